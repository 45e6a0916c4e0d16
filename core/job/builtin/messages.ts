import { defineJob } from '../define-job.ts'

/** A row per message of any stream: what it is and the CRC32 of its payload, which lies in the archive at `seq`. */
export const messages = defineJob({
  name: 'messages',
  streams: 'all',
  columns: { stream: 'string', record_seq: 'i64', type: 'i32', length: 'i32', crc32: 'i64' },
  beyondRange: 'null',
  create: () => ({
    message(message, out, stream) {
      out.stream = stream
      out.record_seq = message.seq
      out.type = message.typeId
      out.length = message.length
      out.crc32 = message.crc32
      out.emit()
    },
  }),
})
