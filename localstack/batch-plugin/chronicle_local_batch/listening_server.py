"""LocalStack's own server, listening on the host it was told and on no other.

LocalStack's default server takes only the port from GATEWAY_LISTEN and listens on every interface of the machine. Its
`hypercorn` server obeys the host, but answers fewer than half as many requests at once.
"""

from localstack.runtime.server.twisted import TwistedRuntimeServer
from rolo.serving.twisted import TwistedGateway
from twisted.internet import endpoints, reactor


class ListeningServer(TwistedRuntimeServer):
    def register(self, gateway, listen, ssl_creds=None):
        for address in listen:
            endpoint = endpoints.TCP4ServerEndpoint(reactor, address.port, interface=address.host)
            endpoint.listen(TwistedGateway(gateway))
