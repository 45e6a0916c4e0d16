import type { ObjectInfo, ObjectStore, PutCondition, PutContent, StoredObject } from '../../core/store/object-store.ts'

/** A statement of a role's policy, its resources as ARNs. */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** What S3 says to a role that may not. */
export class Denied extends Error {}

/** Whether IAM lets a role do it: something allows it, and nothing denies it. Context: condition keys of the request. */
export function isAllowed(
  statements: readonly Statement[],
  action: string,
  arn: string,
  context: Readonly<Record<string, string>>,
): boolean {
  const meant = statements.filter(
    ({ Action, Resource, Condition = {} }) =>
      [Action].flat().some((pattern) => matches(pattern, action)) &&
      [Resource].flat().some((pattern) => matches(pattern, arn)) &&
      Object.entries(Condition).every(([operator, keys]) =>
        Object.entries(keys).every(([key, value]) => meets(operator, context[key], value)),
      ),
  )
  return meant.some(({ Effect }) => Effect === 'Allow') && meant.every(({ Effect }) => Effect !== 'Deny')
}

/** A store below a prefix of a bucket, reached with a role's rights. */
export class RoleStore implements ObjectStore {
  readonly uri: string
  readonly #inner: ObjectStore
  readonly #statements: readonly Statement[]
  readonly #bucket: string
  readonly #prefix: string

  /** @param bucket its ARN; @param prefix empty, or ends with `/` */
  constructor(inner: ObjectStore, statements: readonly Statement[], bucket: string, prefix: string) {
    this.uri = inner.uri
    this.#inner = inner
    this.#statements = statements
    this.#bucket = bucket
    this.#prefix = prefix
  }

  async get(key: string, options?: Parameters<ObjectStore['get']>[1]): Promise<StoredObject | null> {
    this.#ask('s3:GetObject', key)
    const object = await this.#inner.get(key, options)
    // Who may not list is not told that there is nothing.
    if (object === null) this.#ask('s3:ListBucket', null)
    return object
  }

  async put(key: string, content: PutContent, condition?: PutCondition): Promise<string | null> {
    const context = {
      's3:ObjectCreationOperation': 'true',
      ...(condition === 'absent' && { 's3:if-none-match': '*' }),
      ...(typeof condition === 'object' && { 's3:if-match': condition.ifMatch }),
    }
    this.#ask('s3:PutObject', key, context)
    return this.#inner.put(key, content, condition)
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    this.#ask('s3:ListBucket', null, { 's3:prefix': this.#prefix + prefix })
    yield* this.#inner.list(prefix)
  }

  async delete(key: string): Promise<void> {
    this.#ask('s3:DeleteObject', key)
    await this.#inner.delete(key)
  }

  #ask(action: string, key: string | null, context: Readonly<Record<string, string>> = {}): void {
    const arn = key === null ? this.#bucket : `${this.#bucket}/${this.#prefix}${key}`
    if (!isAllowed(this.#statements, action, arn, context)) throw new Denied(`${action} ${arn}`)
  }
}

function matches(pattern: string, text: string): boolean {
  return new RegExp(`^${pattern.split('*').map(RegExp.escape).join('.*')}$`).test(text)
}

function meets(operator: string, found: string | undefined, wanted: string): boolean {
  if (operator === 'Null') return (found === undefined) === (wanted === 'true')
  if (operator === 'Bool' || operator === 'StringEquals') return found === wanted
  throw new Error(`expected Null, Bool or StringEquals, found ${operator}`)
}
