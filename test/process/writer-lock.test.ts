import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { QueueWriter } from '../../core/log/writing/queue-writer.ts'
import { readLockOwner, WriterLock, writerAlive } from '../../core/log/writing/writer-lock.ts'
import { temporaryDirectory } from '../support/queue-files.ts'
import { startChild, startProgram } from './child.ts'

const REFUSED = expect.objectContaining({ code: 'writer-active', category: 'input' })

test('a second writer in the same process is refused until the first closes', () => {
  const directory = temporaryDirectory()
  const first = QueueWriter.open(directory)

  expect(() => QueueWriter.open(directory)).toThrow(REFUSED)
  expect(() => QueueWriter.open(directory)).toThrow(`process ${process.pid}`)

  first.close()
  QueueWriter.open(directory).close()
})

test('a writer in another process is refused, and named; SIGKILL frees the queue', async () => {
  const directory = temporaryDirectory()
  const child = startChild('append', directory, 1_000_000, 0, 10)
  await child.printed(() => true)

  expect(() => QueueWriter.open(directory)).toThrow(REFUSED)
  expect(() => QueueWriter.open(directory)).toThrow(`process ${child.process.pid}`)

  child.process.kill('SIGKILL')
  await child.ended
  const writer = QueueWriter.open(directory)
  expect(readLockOwner(directory)).toEqual({ pid: process.pid, startTime: expect.any(String), epoch: 2n })
  writer.close()
})

test('a process that holds the lock by flock(2), as chronicle-rs does, excludes us', async () => {
  const directory = temporaryDirectory()
  const holder = startProgram('sh', ['-c', 'exec 9>"$0"; flock -x 9; echo locked; exec sleep 60', path.join(directory, 'writer.lock')])
  await holder.printed((line) => line === 'locked')

  expect(() => QueueWriter.open(directory)).toThrow(REFUSED)
})

test('our lock excludes such a process, and no child of ours inherits it', async () => {
  const directory = temporaryDirectory()
  const writer = QueueWriter.open(directory)
  const bystander = startProgram('sh', ['-c', 'echo up; exec sleep 60'])
  await bystander.printed((line) => line === 'up')

  expect(await startProgram('flock', ['-xn', path.join(directory, 'writer.lock'), 'true']).ended).toBe(1)
  writer.close()
  expect(await startProgram('flock', ['-xn', path.join(directory, 'writer.lock'), 'true']).ended).toBe(0)
})

test('without the flock program the error says what to install', () => {
  const { PATH } = process.env
  process.env.PATH = '/nowhere'
  try {
    expect(() => WriterLock.acquire(temporaryDirectory())).toThrow(expect.objectContaining({ code: 'flock-missing', category: 'input' }))
  } finally {
    process.env.PATH = PATH
  }
})

test('whether a writer is alive', async () => {
  const directory = temporaryDirectory()
  const now = 1_000_000_000_000n
  const second = 1_000_000_000n
  const lock = WriterLock.acquire(directory)
  lock.describe(7n)
  expect(readLockOwner(directory)?.epoch).toBe(7n)

  // Without a heartbeat the process decides, otherwise the heartbeat.
  expect(writerAlive(directory, 0n, now)).toBe(true)
  expect(writerAlive(directory, now - 4n * second, now)).toBe(true)
  expect(writerAlive(directory, now - 6n * second, now)).toBe(false)
  lock.release()

  fs.writeFileSync(lock.path, `${process.pid} 1 7\n`) // our pid, but started at another time
  expect(writerAlive(directory, 0n, now)).toBe(false)
  expect(writerAlive(directory, now - 4n * second, now)).toBe(true)
  fs.writeFileSync(lock.path, 'torn')
  expect(writerAlive(directory, 0n, now)).toBe(false)
})
