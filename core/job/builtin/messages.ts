import { defineJob } from '../define-job.ts'

/**
 * A row per message of any stream: what it is and the CRC32 of its payload, which lies in the archive at `seq`. `record_ts_ns` is its record's
 * own time, `ts` the latest so far, which differs where times step back.
 */
export const messages = defineJob({
  name: 'messages',
  streams: 'all',
  columns: { stream: 'string', record_seq: 'i64', record_ts_ns: 'i64', type: 'i32', length: 'i32', crc32: 'i64' },
  beyondRange: 'null',
  create: () => ({
    message(message, out, stream) {
      out.stream = stream
      out.record_seq = message.seq
      out.record_ts_ns = message.timestampNs
      out.type = message.typeId
      out.length = message.length
      out.crc32 = message.crc32
      out.emit()
    },
  }),
})
