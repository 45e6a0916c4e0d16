/** What a run on AWS is simulated with. Figures without a source are assumptions, and are printed with the result. */
export interface CloudWorld {
  /** Bytes of archive that one vCPU replays per second. */
  readonly bytesPerVcpuS: number
  /** Seconds of one vCPU per partition besides its bytes: files to open, a part to write. */
  readonly partitionS: number
  /** Jobs that Batch takes per second. */
  readonly submitsPerS: number
  /** Containers that are started per second. */
  readonly launchesPerS: number
  /** Seconds from the launch until the job begins: place, network, image, Node. From, to, evenly spread. */
  readonly startS: readonly [number, number]
  /** Seconds until Step Functions hears that a job has ended. */
  readonly noticeS: number
  /** vCPUs that may be used at once: the account's quota, or the compute environment's limit. */
  readonly quotaVcpus: number
  /** Tasks that the Map has submitted at once. */
  readonly mapConcurrency: number
  /** GET requests that S3 answers per second from one partition of the bucket's keys. */
  readonly s3GetsPerS: number
  /** Parts that the keys of the archive are in at the start: S3 made them while it was written. */
  readonly s3Partitions: number
  /** S3 parts the keys of a bucket further after this many seconds of load above what it has room for, each time in two. */
  readonly s3SplitS: number
  /** Bytes of a GET. */
  readonly getBytes: number
  /** Interruptions of a Spot container per hour. */
  readonly interruptionsPerHour: number
  /** US dollars per vCPU-hour with 2 GB. */
  readonly vcpuHourDollars: number
  /** US dollars per GET, and per PUT. */
  readonly getDollars: number
  readonly putDollars: number
  /** US dollars of Step Functions and logs per attempt at a task. */
  readonly attemptDollars: number
  /** Keys that a listing gives per second, and partitions that commit writes per second. */
  readonly listedPerS: number
  readonly committedPerS: number
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
  s3Partitions: 4,
  s3SplitS: 600,
  getBytes: 8 * 2 ** 20,
  interruptionsPerHour: 0.05,
  vcpuHourDollars: 0.015,
  getDollars: 0.0004 / 1000,
  putDollars: 0.005 / 1000,
  attemptDollars: 5 * 0.000025,
  listedPerS: 10_000,
  committedPerS: 20_000,
}

/** Where the figures come from, for the reader of a result. */
export function assumptionsOf(world: CloudWorld): string[] {
  const { startS, s3GetsPerS, s3SplitS, interruptionsPerHour, vcpuHourDollars } = world
  return [
    `a vCPU replays ${(world.bytesPerVcpuS / 1e6).toFixed(0)} MB/s of archive, and takes ${world.partitionS} s more per partition`,
    `Batch takes ${world.submitsPerS} jobs a second (its documented limit); ${world.launchesPerS} containers are started a second`,
    `${startS.join(' to ')} s from launch to work, image pull included; Step Functions hears of an end ${world.noticeS} s later`,
    `${world.quotaVcpus} vCPUs at once; ${world.mapConcurrency} tasks submitted at once (the most of a Distributed Map)`,
    `S3 answers ${s3GetsPerS} GETs a second per partition of its keys (documented), of which the archive has ${world.s3Partitions}, and parts them in two after ${s3SplitS / 60} min above that`,
    `a Spot container is interrupted ${interruptionsPerHour} times an hour; what it had not finished runs again`,
    `$${vcpuHourDollars} per vCPU-hour with 2 GB on Spot, paid from launch to end; GETs of ${world.getBytes / 2 ** 20} MiB; archive and run in one region`,
    `listing ${world.listedPerS} keys and committing ${world.committedPerS} partitions a second, one after the other before and behind the tasks`,
  ]
}
