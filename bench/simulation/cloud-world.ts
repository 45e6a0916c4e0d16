/** From the least to the most that it may be. */
export type Between = readonly [least: number, most: number]

/** What a run on AWS is simulated with. Figures without a source are assumptions, and are printed with the result. */
export interface CloudWorld {
  /** Bytes of archive that one vCPU replays per second, read from S3 through TLS. */
  readonly bytesPerVcpuS: number
  /** Seconds of one vCPU per partition besides its bytes: files to open, a part to write. */
  readonly partitionS: number
  /** Jobs that Batch takes per second. */
  readonly submitsPerS: number
  /** Containers that are started per second. */
  readonly launchesPerS: number
  /** Seconds from the launch until the job begins: place, network, image, Node. Evenly spread. */
  readonly startS: Between
  /** Seconds until Step Functions hears that a job has ended. */
  readonly noticeS: number
  /** vCPUs that may be used at once: the account's quota, or the compute environment's limit. */
  readonly quotaVcpus: number
  /** Tasks that the Map has submitted at once. */
  readonly mapConcurrency: number
  /** GETs and listings, and PUTs, that S3 answers per second from one partition of a bucket's keys. */
  readonly s3GetsPerS: number
  readonly s3PutsPerS: number
  /** Parts that the keys of archive and table are in at the start: S3 made those of the archive while it was written; a new table is in one. */
  readonly archiveKeyParts: number
  readonly tableKeyParts: number
  /** S3 parts the keys further in two after so many seconds of load above what it has room for: each time drawn. */
  readonly s3SplitS: Between
  /** Bytes of a GET of a segment; GETs of a partition besides: index, `meta.json`, the listing of its restart points. */
  readonly getBytes: number
  readonly smallGets: number
  /** PUTs of a partition: a part holds those of an instrument and month. */
  readonly partitionPuts: number
  /** Whether tasks may begin anywhere; else an instrument is one task, in one thread. */
  readonly hasRestartPoints: boolean
  /** Interruptions of a Spot container per hour. */
  readonly interruptionsPerHour: number
  /** US dollars per vCPU-hour with 2 GB. */
  readonly vcpuHourDollars: number
  /** US dollars per GET, and per PUT or page of a listing. */
  readonly getDollars: number
  readonly putDollars: number
  /** US dollars of Step Functions and logs per attempt at a task. */
  readonly attemptDollars: number
  /** What goes on before and behind the tasks (serial-phases.ts). */
  readonly serial: SerialWorld
}

/** What one machine does by itself, before the tasks and behind them. */
export interface SerialWorld {
  /** Objects of a partition in the archive's listing. */
  readonly objects: number
  /** Seconds that a page of 1,000 keys is waited for, and that it takes of a CPU; pages under way at once. */
  readonly pageS: number
  readonly pageCpuS: number
  readonly pagesAtOnce: number
  /** Folders that a submit looks into, at most, so many at once, and seconds of a GET. */
  readonly looks: number
  readonly looksAtOnce: number
  readonly getS: number
  /** Seconds for a million partitions: to plan, to write their shares, to commit. */
  readonly planS: number
  readonly sharesS: number
  readonly commitS: number
  /** Seconds until a submit begins to list: bundle, types, the table's state; and to hand a million partitions' listing over. */
  readonly bundleS: number
  readonly handOverS: number
}

export const WORLD: CloudWorld = {
  bytesPerVcpuS: 60e6,
  partitionS: 0.05,
  submitsPerS: 50,
  launchesPerS: 20,
  startS: [25, 60],
  noticeS: 3,
  quotaVcpus: 1024,
  mapConcurrency: 10_000,
  s3GetsPerS: 5500,
  s3PutsPerS: 3500,
  archiveKeyParts: 4,
  tableKeyParts: 1,
  s3SplitS: [1800, 3600],
  getBytes: 4 * 2 ** 20,
  smallGets: 3,
  partitionPuts: 0.05,
  hasRestartPoints: true,
  interruptionsPerHour: 0.05,
  vcpuHourDollars: 0.015,
  getDollars: 0.0004 / 1000,
  putDollars: 0.005 / 1000,
  attemptDollars: 5 * 0.000025,
  serial: {
    ...{ objects: 3, pageS: 0.1, pageCpuS: 0.008, pagesAtOnce: 48 },
    ...{ looks: 100_000, looksAtOnce: 64, getS: 0.03 },
    ...{ planS: 11, sharesS: 7, commitS: 34, bundleS: 8, handOverS: 8 },
  },
}

/** Where the figures come from, for the reader of a result. */
export function assumptionsOf(world: CloudWorld): string[] {
  const { startS, serial } = world
  return [
    `a partition takes ${world.partitionS} s of a vCPU beside its bytes, ${world.smallGets} small GETs (index, meta.json, listing) and ${world.partitionPuts} PUT`,
    `Batch takes ${world.submitsPerS} jobs a second (its documented limit); ${world.launchesPerS} containers are started a second (Fargate's)`,
    `${startS.join(' to ')} s from launch to work, image pull included; Step Functions hears of an end ${world.noticeS} s later`,
    `${world.mapConcurrency} tasks submitted at once (the most of a Distributed Map)`,
    `S3 answers ${world.s3GetsPerS} GETs and ${world.s3PutsPerS} PUTs a second per partition of its keys (documented), of which the archive has ${world.archiveKeyParts} and the table ${world.tableKeyParts}, and parts them in two after ${world.s3SplitS.map((s) => s / 60).join(' to ')} min above that`,
    `a Spot container is interrupted ${world.interruptionsPerHour} times an hour; what it had not finished runs again`,
    `$${world.vcpuHourDollars} per vCPU-hour with 2 GB on Spot, paid from launch to end; GETs of ${world.getBytes / 2 ** 20} MiB; archive and run in one region`,
    `a page of 1,000 keys takes ${serial.pageS} s, ${serial.pagesAtOnce} are under way; the submit before a first plan looks into ${serial.looks} folders and hands on what it found`,
    `a million partitions take ${serial.planS} s to plan, ${serial.sharesS} s to write, ${serial.commitS} s to commit (measured for 2,032,000 in 96,438 parts: 36 and 69 s)`,
  ]
}
