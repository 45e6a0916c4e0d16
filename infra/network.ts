import { Aws, CfnMapping, RemovalPolicy } from 'aws-cdk-lib'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as logs from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { Settings } from './settings.ts'
import type { Storage } from './storage.ts'

const HTTPS = ec2.Port.tcp(443)

/** AWS's own prefix lists of S3. For another region the setting `s3PrefixList` says it. */
const S3_PREFIX_LISTS: Readonly<Record<string, { readonly s3: string }>> = {
  'us-east-1': { s3: 'pl-63a5400a' },
  'us-east-2': { s3: 'pl-7ba54012' },
  'us-west-2': { s3: 'pl-68a54001' },
  'eu-west-1': { s3: 'pl-6da54004' },
  'eu-central-1': { s3: 'pl-6ea54007' },
}

/**
 * A network with no way but to S3, to the image's registry and to the logs: job bundles are their authors' code. Names are still resolved
 * for them, and a name that is asked for can carry data: that is for a firewall of the resolver, which a firm has for all of its networks.
 * What goes through an endpoint has to be for this stack's buckets or read those to import from, or be asked by this account.
 */
export class Network extends Construct {
  readonly vpc: ec2.IVpc
  readonly subnets: ec2.SubnetSelection = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED }
  /** Of the containers, and of instances that run them. */
  readonly jobs: ec2.SecurityGroup

  constructor(
    scope: Construct,
    { storage, settings, logDays }: { readonly storage: Storage; readonly settings: Settings; readonly logDays: logs.RetentionDays },
  ) {
    super(scope, 'Network')
    this.vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr('10.0.0.0/16'),
      // Of a stack made for no region in particular the CDK knows two, by their place in the region's list.
      ...(settings.zones.length === 0 ? { maxAzs: 2 } : { availabilityZones: [...settings.zones] }),
      natGateways: 0,
      subnetConfiguration: [{ name: 'jobs', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
      // Would be done by a function of the CDK's; nothing is in the default group.
      restrictDefaultSecurityGroup: false,
    }) as ec2.IVpc
    this.vpc.addFlowLog('Refused', {
      trafficType: ec2.FlowLogTrafficType.REJECT,
      destination: ec2.FlowLogDestination.toCloudWatchLogs(
        new logs.LogGroup(this, 'RefusedLog', { retention: logDays, removalPolicy: RemovalPolicy.DESTROY }),
      ),
    })
    this.jobs = this.#group('Jobs', 'Containers: out to S3, registry and logs alone')
    const endpoints = this.#group('Endpoints', 'Interface endpoints: in from containers alone')
    endpoints.addIngressRule(this.jobs, HTTPS, 'from containers')
    const https = { ipProtocol: 'tcp', fromPort: 443, toPort: 443 }
    // In the group itself: rules beside it would come after EC2's own first rule, which lets everything out.
    const rules: ec2.CfnSecurityGroup.EgressProperty[] = [
      { ...https, destinationPrefixListId: this.#s3PrefixList(settings.s3PrefixList), description: 'to S3' },
      { ...https, destinationSecurityGroupId: endpoints.securityGroupId, description: 'to interface endpoints' },
    ]
    ;(this.jobs.node.defaultChild as ec2.CfnSecurityGroup).securityGroupEgress = rules

    this.#addS3(storage, settings)
    for (const [id, service] of endpointsFor(settings)) {
      const endpoint = this.vpc.addInterfaceEndpoint(id, { service, subnets: this.subnets, securityGroups: [endpoints], open: false })
      // Else code with keys of its own could carry data to another account's registry or logs.
      endpoint.addToPolicy(
        new iam.PolicyStatement({
          principals: [new iam.AnyPrincipal()],
          actions: ['*'],
          resources: ['*'],
          conditions: { StringEquals: { 'aws:PrincipalAccount': Aws.ACCOUNT_ID } },
        }),
      )
    }
  }

  #group(id: string, description: string): ec2.SecurityGroup {
    return new ec2.SecurityGroup(this, id, { vpc: this.vpc, description, allowAllOutbound: false })
  }

  #addS3({ archive, table }: Storage, { importBuckets }: Settings): void {
    const endpoint = this.vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3, subnets: [this.subnets] })
    const buckets = [archive.bucketArn, table.bucketArn]
    const allow = (actions: string[], resources: string[]): void =>
      endpoint.addToPolicy(new iam.PolicyStatement({ principals: [new iam.AnyPrincipal()], actions, resources }))
    allow(['s3:*'], [...buckets, ...buckets.map((arn) => `${arn}/*`)])
    const sources = importBuckets.map((name) => `arn:${Aws.PARTITION}:s3:::${name}`)
    if (sources.length > 0) allow(['s3:GetObject', 's3:ListBucket'], [...sources, ...sources.map((arn) => `${arn}/*`)])
    // Where the registry keeps the layers of images.
    allow(['s3:GetObject'], [`arn:${Aws.PARTITION}:s3:::prod-${Aws.REGION}-starport-layer-bucket/*`])
  }

  #s3PrefixList(said: string | null): string {
    if (said !== null) return said
    return new CfnMapping(this, 'PrefixLists', { mapping: { ...S3_PREFIX_LISTS } }).findInMap(Aws.REGION, 's3')
  }
}

function endpointsFor({ ec2Spot }: Settings): [string, ec2.InterfaceVpcEndpointAwsService][] {
  const { ECR, ECR_DOCKER, CLOUDWATCH_LOGS, ECS, ECS_AGENT, ECS_TELEMETRY } = ec2.InterfaceVpcEndpointAwsService
  const always: [string, ec2.InterfaceVpcEndpointAwsService][] = [
    ['EcrApi', ECR],
    ['EcrDocker', ECR_DOCKER],
    ['Logs', CLOUDWATCH_LOGS],
  ]
  // Instances of our own talk to ECS; Fargate's do not need our network for that.
  return ec2Spot ? [...always, ['Ecs', ECS], ['EcsAgent', ECS_AGENT], ['EcsTelemetry', ECS_TELEMETRY]] : always
}
