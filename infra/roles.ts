import { Aws } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import type { Settings } from './settings.ts'
import type { Storage } from './storage.ts'

/*
 * Who may do what, by key. `…` is any prefix: tables and archives may lie anywhere in their buckets.
 *
 * | role      | reads                                          | writes                                                      |
 * | plan      | archive: names; table: log and …_chronicle/    | creates what a plan is, below …_chronicle/runs/             |
 * | task      | archive; …_chronicle/runs/                     | creates parts and receipts                                  |
 * | area      | as task, runs of its folder alone              | as task, in its folder alone                                |
 * | snapshots | as task                                        | as task, and …snapshots/ of the archive                     |
 * | import    | archive and the buckets to import from; …_chronicle/runs/ of the archive | creates staged logs and receipts in the archive |
 * | commit    | log, plans, receipts, cancel marks, parts      | …_delta_log/ (versions: creates), index, empty cells, outcome; creates parts that it packs, and lists of their cells |
 * | archiveCommit | archive                                     | …v1/ and …_imports/ of the archive, outcome; deletes what is replaced or staged |
 * | vacuum    | log and …_chronicle/                           | deletes parts, lists of cells and empty cells               |
 * | submitter (submitter.ts) | archive and the buckets to import from; log and …_chronicle/ | creates requests, bundles, plans of imports, cancel marks, schedules |
 *
 * "Creates" is meant: a put without `If-None-Match` is refused. No role of a container deletes, but that one in the archive.
 */

const LOG = '_delta_log/*'
export const RUNS = '_chronicle/runs/*'
const PARTS = 'venue=*/symbol=*/part-*.parquet'
const RECEIPTS = `${RUNS}/receipts/*.jsonl`
/** Of an archive: logs, and those of an import that wait for its commit. */
const LOGS = 'v1/*'
const STAGED = '_imports/staged/*'
const EMPTY_CELLS = '_chronicle/empty/*'
/** Which partitions lie in which part. */
const CELLS = '_chronicle/cells/*'
/** Code that was checked: says so, and saves the next check. */
const CHECKED = '_chronicle/checked/*'

/** Roles of the containers, and the one that `vacuum` is run with. */
export class Roles extends Construct {
  readonly plan: iam.Role
  readonly task: iam.Role
  /** In place of the task's, by first folder of the table's key. */
  readonly areas: ReadonlyMap<string, iam.Role>
  readonly snapshots: iam.Role
  readonly import: iam.Role
  readonly archiveCommit: iam.Role
  readonly commit: iam.Role
  readonly vacuum: iam.Role

  constructor(scope: Construct, storage: Storage, { importBuckets, areas }: Pick<Settings, 'importBuckets' | 'areas'>) {
    super(scope, 'Roles')
    const archive = storage.archive.bucketArn
    const table = storage.table.bucketArn

    this.plan = this.#container('Plan', 'Plans runs; never loads a job')
    allow(this.plan, ['s3:ListBucket'], [archive, table])
    // Of the archive: what days the records of a folder are of, which indexes and the begins of segments say.
    const indexes = ['*.idx', '*.q', '*.q.zst'].map((name) => `${archive}/${name}`)
    allow(this.plan, ['s3:GetObject'], [...below(table, LOG, '_chronicle/*'), ...indexes])
    // The last two: of a scheduled run, which no one submits.
    const written = ['shares/*', 'tasks.json', 'plan.json', 'request.json', 'bundle.js', 'bundle.js.map'].map((name) => `${RUNS}/${name}`)
    allowToCreate(this.plan, below(table, ...written))

    this.task = this.#container('Task', 'Runs job bundles: creates parts and receipts')
    this.snapshots = this.#container('Snapshots', 'Writes restart points beside the logs of the archive')
    for (const role of [this.task, this.snapshots]) {
      allow(role, ['s3:ListBucket'], [archive, table])
      // Parts: to learn whether a put whose answer was lost had succeeded.
      allow(role, ['s3:GetObject'], [`${archive}/*`, ...below(table, RUNS, PARTS)])
      allowToCreate(role, below(table, PARTS, RECEIPTS))
      deny(role, ['s3:PutObject'], below(table, LOG))
      deny(role, ['s3:DeleteObject', 's3:DeleteObjectVersion'], ['*'])
    }
    this.areas = new Map(areas.map((area) => [area, this.#area(area, archive, `${table}/${area}`)]))
    // Else whoever may submit outside of an area could read its runs, and write into them.
    if (areas.length > 0)
      for (const role of [this.task, this.snapshots])
        deny(
          role,
          ['s3:GetObject', 's3:PutObject'],
          areas.map((area) => `${table}/${area}/*`),
        )
    // Restart points are in no fingerprint: what is there, runs begin with.
    allowToCreate(this.snapshots, below(archive, 'snapshots/*'))

    const sources = importBuckets.map((name) => `arn:${Aws.PARTITION}:s3:::${name}`)
    this.import = this.#container('Import', 'Reads files to import: creates staged logs and receipts')
    allow(this.import, ['s3:ListBucket'], [archive, ...sources])
    allow(
      this.import,
      ['s3:GetObject'],
      [archive, ...sources].map((bucket) => `${bucket}/*`),
    )
    allowToCreate(this.import, below(archive, STAGED, RECEIPTS))
    deny(this.import, ['s3:DeleteObject', 's3:DeleteObjectVersion'], ['*'])

    this.archiveCommit = this.#container('ArchiveCommit', 'Puts imported logs into their places in the archive')
    allow(this.archiveCommit, ['s3:ListBucket'], [archive])
    allow(this.archiveCommit, ['s3:GetObject'], [`${archive}/*`])
    allow(this.archiveCommit, ['s3:PutObject', 's3:AbortMultipartUpload'], below(archive, LOGS, '_imports/*', `${RUNS}/outcome.json`))
    allow(this.archiveCommit, ['s3:DeleteObject'], below(archive, LOGS, STAGED, '_imports/placing/*', '_imports/active.json'))

    this.commit = this.#container('Commit', 'Commits runs; never loads a job')
    allow(this.commit, ['s3:ListBucket'], [table])
    const runFiles = ['plan.json', 'tasks.json', 'shares/*', 'receipts/*', 'cancel', 'outcome.json'].map((name) => `${RUNS}/${name}`)
    const facts = ['_chronicle/archive-index.jsonl', EMPTY_CELLS, CELLS, CHECKED]
    // Parts: to learn whether another program's VACUUM has taken them, and to copy what lies beside rows that go.
    allow(this.commit, ['s3:GetObject'], below(table, LOG, PARTS, ...facts, ...runFiles))
    allow(this.commit, ['s3:PutObject', 's3:AbortMultipartUpload'], below(table, LOG, PARTS, ...facts, `${RUNS}/outcome.json`))
    denyToReplace(this.commit, below(table, '_delta_log/*.json', PARTS, EMPTY_CELLS, CELLS, CHECKED))

    this.vacuum = new iam.Role(this, 'Vacuum', {
      description: 'The only one that deletes: files of tables that no version needs',
      assumedBy: new iam.AccountRootPrincipal(),
    })
    allow(this.vacuum, ['s3:ListBucket'], [table])
    allow(this.vacuum, ['s3:GetObject'], below(table, LOG, '_chronicle/*'))
    allow(this.vacuum, ['s3:DeleteObject'], below(table, PARTS, EMPTY_CELLS, CELLS))
  }

  /** @param folder ARN of the area's folder in the table bucket */
  #area(area: string, archive: string, folder: string): iam.Role {
    const role = this.#container(`Area${area}`, `Runs job bundles of tables below ${area}/: creates parts and receipts there`)
    allow(role, ['s3:ListBucket'], [archive, folder.slice(0, -area.length - 1)])
    allow(role, ['s3:GetObject'], [`${archive}/*`, ...below(folder, RUNS, PARTS)])
    allowToCreate(role, below(folder, PARTS, RECEIPTS))
    deny(role, ['s3:PutObject'], below(folder, LOG))
    deny(role, ['s3:DeleteObject', 's3:DeleteObjectVersion'], ['*'])
    return role
  }

  #container(id: string, description: string): iam.Role {
    const assumedBy = new iam.ServicePrincipal('ecs-tasks.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    })
    return new iam.Role(this, id, { description, assumedBy })
  }
}

/** ARNs of keys at the root of a bucket, or a folder of one, and below any prefix. */
export function below(bucket: string, ...patterns: readonly string[]): string[] {
  return patterns.flatMap((pattern) => [`${bucket}/${pattern}`, `${bucket}/*/${pattern}`])
}

/*
 * Of a bucket, listing is never narrowed by prefix: without it, S3 answers a get of what does not exist with 403 instead of 404,
 * and looking whether something exists is what cancel marks and first commits are about.
 */
function allow(role: iam.Role, actions: string[], resources: string[]): void {
  role.addToPolicy(new iam.PolicyStatement({ actions, resources }))
}

function deny(role: iam.Role, actions: string[], resources: string[], conditions: Record<string, Record<string, string>> = {}): void {
  role.addToPolicy(new iam.PolicyStatement({ effect: iam.Effect.DENY, actions, resources, conditions }))
}

function allowToCreate(role: iam.Role, resources: string[]): void {
  allow(role, ['s3:PutObject', 's3:AbortMultipartUpload'], resources)
  denyToReplace(role, resources)
}

/** The requests that begin and fill an upload in parts have no condition and write no object; the one that ends it has. */
function denyToReplace(role: iam.Role, resources: string[]): void {
  deny(role, ['s3:PutObject'], resources, REPLACES)
}

/** Conditions under which a put may replace. */
export const REPLACES = { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } }
