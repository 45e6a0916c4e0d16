import type { State, StateMachineDefinition } from '../../infra/states-language.ts'

/*
 * Amazon States Language (JSONPath), as much of it as the stack's definitions use: a test walks through them with services of its
 * own, and sees how large states and histories become. What it does not know, it refuses.
 */

/** What a service answers with when a call fails. */
export class ServiceError extends Error {
  readonly error: string

  constructor(error: string, cause: string) {
    super(cause)
    this.error = error
  }
}

export interface World {
  /** @throws ServiceError */
  call(resource: string, parameters: Json): Json
  /** What an item reader finds. */
  items?(bucket: string, key: string): readonly Json[]
}

export interface Execution {
  readonly status: 'SUCCEEDED' | 'FAILED'
  readonly error: string | null
  readonly cause: string | null
  readonly output: Json
  /** Of its history. */
  readonly events: number
  /** Bytes of the largest input or output of a state. */
  readonly largestBytes: number
  /** States in the order in which they were entered. */
  readonly path: readonly string[]
  /** Executions that its Maps started. */
  readonly children: readonly Execution[]
  /** Bytes of what a Map's children gave together. */
  readonly mapResultBytes: number
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
type Json = any

export function execute(definition: Pick<StateMachineDefinition, 'StartAt' | 'States'>, input: Json, world: World): Execution {
  return new Walk(definition, world).run(input)
}

class Walk {
  readonly #definition: Pick<StateMachineDefinition, 'StartAt' | 'States'>
  readonly #world: World
  readonly #path: string[] = []
  readonly #children: Execution[] = []
  #events = 2
  #largestBytes = 0
  #mapResultBytes = 0

  constructor(definition: Pick<StateMachineDefinition, 'StartAt' | 'States'>, world: World) {
    this.#definition = definition
    this.#world = world
  }

  run(input: Json): Execution {
    let data = input
    for (let name: string | null = this.#definition.StartAt; name !== null; ) {
      const state: State = this.#definition.States[name]!
      this.#path.push(name)
      this.#seen(data)
      this.#events += 2
      if (state.Type === 'Fail') return this.#end('FAILED', null, state.Error as string, evaluate(state.CausePath as string, data))
      const step = this.#step(state, data)
      data = step.data
      this.#seen(data)
      name = step.next
    }
    return this.#end('SUCCEEDED', data, null, null)
  }

  #end(status: Execution['status'], output: Json, error: string | null, cause: string | null): Execution {
    const counted = { events: this.#events, largestBytes: this.#largestBytes, mapResultBytes: this.#mapResultBytes }
    return { status, output, error, cause, path: this.#path, children: this.#children, ...counted }
  }

  #seen(data: Json): void {
    this.#largestBytes = Math.max(this.#largestBytes, Buffer.byteLength(JSON.stringify(data)))
  }

  #step(state: State, data: Json): { readonly data: Json; readonly next: string | null } {
    const next = (state.Next as string | undefined) ?? null
    switch (state.Type) {
      case 'Succeed':
        return { data: state.OutputPath === null ? {} : data, next: null }
      case 'Choice': {
        const chosen = (state.Choices as Json[]).find((rule) => holds(rule, data))
        return { data, next: (chosen?.Next ?? state.Default) as string }
      }
      case 'Pass': {
        const result = 'Parameters' in state ? fill(state.Parameters, data) : (state.Result ?? data)
        return { data: place(data, result, state.ResultPath), next }
      }
      default:
        return this.#work(state, data, next)
    }
  }

  #work(state: State, data: Json, next: string | null): { readonly data: Json; readonly next: string | null } {
    const tried = new Map<object, number>()
    for (;;) {
      this.#events += 3
      try {
        const result =
          state.Type === 'Map' ? this.#map(state, data) : this.#world.call(state.Resource as string, fill(state.Parameters, data))
        this.#events++
        return { data: place(data, result, state.ResultPath), next }
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error
        const retrier = ((state.Retry ?? []) as Json[]).find((each) => isMeant(each, error))
        const count = tried.get(retrier) ?? 0
        if (retrier !== undefined && count < retrier.MaxAttempts) {
          tried.set(retrier, count + 1)
          continue
        }
        const catcher = ((state.Catch ?? []) as Json[]).find((each) => isMeant(each, error))
        if (catcher === undefined) throw new Error(`nothing catches ${error.error}: ${error.message}`)
        const told = { Error: error.error, Cause: error.message }
        return { data: place(data, told, catcher.ResultPath), next: catcher.Next }
      }
    }
  }

  #map(state: State, data: Json): Json[] {
    const processor = state.ItemProcessor as Json
    const isDistributed = processor.ProcessorConfig.Mode === 'DISTRIBUTED'
    const reader = state.ItemReader as Json
    const { Bucket, Key } = isDistributed ? fill(reader.Parameters, data) : { Bucket: '', Key: '' }
    const items = isDistributed ? this.#world.items!(Bucket, Key) : evaluate(state.ItemsPath as string, data)
    const results = items.map((item: Json) => {
      const child = execute(processor, fill(state.ItemSelector, data, item), this.#world)
      if (child.status === 'FAILED') throw new ServiceError('States.ExceedToleratedFailureThreshold', child.cause ?? '')
      this.#children.push(child)
      if (!isDistributed) this.#events += child.events
      return child.output
    })
    this.#mapResultBytes = Buffer.byteLength(JSON.stringify(results))
    return results
  }
}

function isMeant({ ErrorEquals }: { readonly ErrorEquals: readonly string[] }, { error }: ServiceError): boolean {
  return ErrorEquals.some((name) => name === error || name === 'States.ALL' || (name === 'States.TaskFailed' && error !== 'States.Timeout'))
}

function holds(rule: Json, data: Json): boolean {
  if (rule.And !== undefined) return (rule.And as Json[]).every((each) => holds(each, data))
  const value = evaluate(rule.Variable, data)
  if (rule.IsPresent !== undefined) return (value !== undefined) === rule.IsPresent
  if (value === undefined) throw new Error(`a choice looks at ${rule.Variable}, which is not there`)
  if (rule.StringEquals !== undefined) return value === rule.StringEquals
  if (rule.NumericEquals !== undefined) return value === rule.NumericEquals
  if (rule.StringMatches === undefined) throw new Error(`expected a known rule, found ${JSON.stringify(rule)}`)
  return new RegExp(`^${(rule.StringMatches as string).split('*').map(RegExp.escape).join('[^]*')}$`).test(value)
}

/** Fills a template: fields whose names end with `.$` hold expressions. */
function fill(template: Json, data: Json, item?: Json): Json {
  if (Array.isArray(template)) return template.map((each) => fill(each, data, item))
  if (template === null || typeof template !== 'object') return template
  return Object.fromEntries(
    Object.entries(template).map(([name, value]) =>
      name.endsWith('.$') ? [name.slice(0, -2), required(value as string, data, item)] : [name, fill(value, data, item)],
    ),
  )
}

function required(expression: string, data: Json, item: Json): Json {
  const value = evaluate(expression, data, item)
  if (value === undefined) throw new Error(`expected a value at ${expression}, found none in ${JSON.stringify(data).slice(0, 200)}`)
  return value
}

function evaluate(expression: string, data: Json, item?: Json): Json {
  const text = expression.trim()
  if (text.startsWith('$$.Map.Item.Value')) return follow(text.slice('$$.Map.Item.Value'.length), item)
  if (text === '$$.State.EnteredTime') return '2026-11-23T10:00:00.000Z'
  if (text.startsWith('$')) return follow(text.slice(1), data)
  if (text.startsWith("'")) return text.slice(1, -1)
  if (/^-?\d+$/.test(text)) return Number(text)
  const call = /^States\.(\w+)\((.*)\)$/s.exec(text)
  const intrinsic = INTRINSICS[call?.[1] ?? '']
  if (call === null || intrinsic === undefined) throw new Error(`expected an expression, found ${text}`)
  return intrinsic(...splitArguments(call[2]!).map((argument) => evaluate(argument, data, item)))
}

const INTRINSICS: Readonly<Record<string, (...values: Json[]) => Json>> = {
  Format: (template: string, ...values) => values.reduce((text: string, value) => text.replace('{}', () => String(value)), template),
  Array: (...values) => values,
  ArrayGetItem: (array, index) => array[index],
  MathAdd: (a, b) => a + b,
  StringSplit: (text: string, characters: string) => text.split(new RegExp(`[${RegExp.escape(characters)}]`)).filter((part) => part !== ''),
  StringToJson: (text) => JSON.parse(text),
  JsonToString: (value) => JSON.stringify(value),
}

function splitArguments(text: string): string[] {
  const found: string[] = []
  let [depth, isQuoted, start] = [0, false, 0]
  for (let i = 0; i <= text.length; i++) {
    const character = text[i]
    if (character === "'") isQuoted = !isQuoted
    else if (!isQuoted && character === '(') depth++
    else if (!isQuoted && character === ')') depth--
    if (i < text.length && (isQuoted || depth > 0 || character !== ',')) continue
    if (i > start) found.push(text.slice(start, i))
    start = i + 1
  }
  return found
}

/** `.a.b[0]`, `.list[*].a`. */
function follow(path: string, data: Json): Json {
  const [before, after] = path.split('[*]')
  let value = data
  for (const [, name, index] of before!.matchAll(/\.(\w+)|\[(\d+)\]/g)) value = value?.[name ?? Number(index)]
  return after === undefined ? value : value.map((each: Json) => follow(after, each))
}

function place(data: Json, result: Json, path: unknown): Json {
  if (path === null) return data
  if (path === undefined || path === '$') return result
  const name = /^\$\.(\w+)$/.exec(path as string)?.[1]
  if (name === undefined) throw new Error(`expected $.name, found ${path}`)
  return { ...data, [name]: result }
}
