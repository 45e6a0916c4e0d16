import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { RecordSealer } from '../../core/import/logs/record-sealer.ts'
import { RecordChunks, WaitingRecords } from '../../core/import/logs/waiting-records.ts'
import { LogWriter } from '../../core/log/writing/log-writer.ts'
import { recordBytes } from '../../core/message/record.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SEGMENT_BYTES = 1 << 20
/** Payloads: small ones, one of a chunk and more, and one that is larger than what gets its CRCs at a time. */
const LENGTHS = [0, 4, 64, 128, 96, 60, 100_000, 128, 700_000, ...Array.from({ length: 20_000 }, (_, i) => 4 * (i % 40))]

it.each([0, 1, 3, 1000])(
  'records that wait, of which every %i-th goes into a file with all before it, make the log that appending them makes',
  (every) => {
    const folder = temporaryFolder('waiting-records')
    const [one, other] = [path.join(folder, 'one'), path.join(folder, 'other')]
    const plain = LogWriter.open(one, { segmentBytes: SEGMENT_BYTES })
    const whole = LogWriter.open(other, { segmentBytes: SEGMENT_BYTES })
    const waiting = new WaitingRecords(path.join(folder, 'waiting'), new RecordChunks())
    const sealer = new RecordSealer()
    for (const [seq, length] of LENGTHS.entries()) {
      const payload = Uint32Array.from({ length: length / 4 }, (_, i) => Math.imul(seq + i, 0x9e3779b1))
      const time = 1_717_977_600_000_000_000n + BigInt(seq) * 1000n
      plain.append(0x1003, time, new Uint8Array(payload.buffer))
      const size = recordBytes(length)
      if (waiting.isFull(size)) {
        if (every === 0 && waiting.memoryBytes > 100_000) waiting.drain(whole, sealer)
        waiting.extend(size)
      }
      waiting.put(0x1003, seq, Number(time & 0xffff_ffffn), Number(time >> 32n), payload, length)
      if (every > 0 && seq < 3000 && seq % every === every - 1) waiting.spill()
    }
    expect(waiting.isSpilt).toBe(every > 0)
    waiting.drain(whole, sealer)
    expect(whole.nextSeq).toBe(plain.nextSeq)
    plain.finish()
    whole.finish()

    const names = fs.readdirSync(one)
    expect(fs.readdirSync(other)).toEqual(names)
    for (const name of names) {
      const isSame = fs.readFileSync(path.join(one, name)).equals(fs.readFileSync(path.join(other, name)))
      expect(isSame, name).toBe(true)
    }
    expect(fs.existsSync(path.join(folder, 'waiting'))).toBe(false)
  },
)
