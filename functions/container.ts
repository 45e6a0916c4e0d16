import { randomBytes } from 'node:crypto'
import os from 'node:os'
import { ReplayError } from '../core/errors.ts'
import { engineHash } from '../core/job/engine-hash.ts'
import { ATTEMPT_TIME, attemptName, splitRunUri } from '../core/plan/run/run-files.ts'
import type { ObjectStore } from '../core/store/object-store.ts'
import { openStore } from '../core/store/open-store.ts'

/*
 * What a container is told by its environment. All of it may be missing.
 *
 * | variable                      | set by        | holds                                                              |
 * | AWS_BATCH_JOB_ID              | Batch         | names the try: the attempts that Batch makes of one job              |
 * | AWS_BATCH_JOB_ATTEMPT         | Batch         | number of the attempt, from 1                                        |
 * | TASK_VCPUS                    | job definition| threads of a task; else the processors that the process may use      |
 * | SUBMITTED_AT                  | state machine | when the job was given to the queue, ISO 8601                        |
 * | AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL | LocalStack | where S3 is, when it is not AWS                                |
 * | TMPDIR                        | job definition| folder for parts that are being written                              |
 * | IDLE_MS                       | tests         | milliseconds without progress after which a partition is named; 60,000 |
 * | ONLY_JOB                      | job definition| the built-in job that the container's role is for; no other is run     |
 */

/** The container that a command runs in. */
export interface Container {
  /** URI of the table, and the run in it. */
  readonly tableUri: string
  readonly run: string
  readonly engine: string
  readonly endpoint: string | undefined
  /** Name of this attempt among those at the same work; later ones sort behind. */
  readonly attempt: string
  /** Number of the attempt that Batch makes of the job, from 1. */
  readonly tries: number
  readonly threads: number
  /** Milliseconds since the epoch; null when not told. */
  readonly submittedMs: number | null
  /** Of task-threads; undefined: its default. */
  readonly idleMs: number | undefined
  /** The one built-in job that may be run; null: any job. */
  readonly onlyJob: string | null
  /** What worker threads, and so the job's code, get of the environment. */
  readonly threadEnv: NodeJS.ProcessEnv
  /** Whether an attempt is one at the same Batch job. */
  isSameTry(attempt: string): boolean
  open(uri: string): ObjectStore
}

/** @throws ReplayError input `usage` when the URI is not one of a run */
export async function readContainer(runUri: string, env: NodeJS.ProcessEnv, clock: () => number): Promise<Container> {
  const place = splitRunUri(runUri)
  if (place === null) {
    throw new ReplayError('usage', `expected the URI of a run, <table>/_chronicle/runs/<id>, found ${JSON.stringify(runUri)}`, {
      category: 'input',
    })
  }
  const tries = Math.max(1, Number(env.AWS_BATCH_JOB_ATTEMPT) || 1)
  const job = (env.AWS_BATCH_JOB_ID ?? randomBytes(8).toString('hex')).toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  const word = job.slice(0, MAX_JOB_ID)
  const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL
  const submittedMs = Date.parse(env.SUBMITTED_AT ?? '')
  return {
    tableUri: place.table,
    run: place.run,
    engine: await engineHash(),
    endpoint,
    // Should one attempt be started twice, then these are two.
    attempt: attemptName(clock(), word + randomBytes(2).toString('hex') + String(tries).padStart(2, '0')),
    tries,
    threads: Math.max(1, Math.floor(Number(env.TASK_VCPUS)) || os.availableParallelism()),
    idleMs: env.IDLE_MS === undefined ? undefined : Number(env.IDLE_MS),
    onlyJob: env.ONLY_JOB ?? null,
    submittedMs: Number.isNaN(submittedMs) ? null : submittedMs,
    threadEnv: Object.fromEntries(THREAD_VARIABLES.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
    isSameTry: (attempt) => attempt.slice(ATTEMPT_TIME, -6) === word,
    open: (uri) => openStore(uri, { endpoint }),
  }
}

const MAX_JOB_ID = 40

/** What the AWS client needs to reach S3 as the container's role, and the folder for files. */
const THREAD_VARIABLES = [
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_S3',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_EC2_METADATA_DISABLED',
  'TMPDIR',
] as const
