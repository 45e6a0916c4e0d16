import path from 'node:path'
import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { readSettings } from '../../infra/settings.ts'
import { ReplayStack } from '../../infra/stack.ts'
import type { Statement } from './role-store.ts'

// biome-ignore lint/suspicious/noExplicitAny: templates are JSON of any shape
type Json = any

export interface Resource {
  readonly id: string
  readonly Type: string
  readonly Properties: Json
  readonly DeletionPolicy?: string
}

/** A folder that could be an image, for stacks whose image is never built. */
export const SMALL_IMAGE = {
  folder: path.resolve(import.meta.dirname, '../../functions'),
  bytes: 0,
  engine: 'e'.repeat(32),
}

/** The stack's template, made in this process. */
export class Synthesized {
  readonly template: Template
  readonly #resources: readonly Resource[]

  constructor(context: Readonly<Record<string, string>> = {}) {
    const settings = readSettings((name) => context[name])
    const stack = new ReplayStack(new App(), settings, settings.repository === null ? SMALL_IMAGE : null)
    this.template = Template.fromStack(stack as Parameters<typeof Template.fromStack>[0])
    const all = this.template.toJSON().Resources as Readonly<Record<string, Omit<Resource, 'id'>>>
    this.#resources = Object.entries(all).map(([id, resource]) => ({ id, ...resource }))
  }

  get types(): Set<string> {
    return new Set(this.#resources.map(({ Type }) => Type))
  }

  get outputs(): Readonly<Record<string, { readonly Value: Json }>> {
    return this.template.toJSON().Outputs
  }

  of(type: string): Resource[] {
    return this.#resources.filter(({ Type }) => Type === type)
  }

  /** The only one of a type whose id begins so. */
  one(type: string, begin: string): Resource {
    const found = this.of(type).filter(({ id }) => id.startsWith(begin))
    if (found.length !== 1) throw new Error(`expected one ${type} ${begin}…, found ${found.map(({ id }) => id).join(', ') || 'none'}`)
    return found[0]!
  }

  /** What a managed policy lets do, by the beginning of its id. */
  managed(policy: string): Statement[] {
    return plain(this.one('AWS::IAM::ManagedPolicy', policy).Properties.PolicyDocument.Statement) as Statement[]
  }

  /** What a role may do, by the beginning of its id. */
  statements(role: string): Statement[] {
    const { id, Properties } = this.one('AWS::IAM::Role', role)
    if (Properties.ManagedPolicyArns !== undefined || Properties.Policies !== undefined) throw new Error(`${id} has rights of another kind`)
    const policies = this.of('AWS::IAM::Policy').filter((policy) => policy.Properties.Roles.some((each: Json) => each.Ref === id))
    return policies.flatMap((policy) => plain(policy.Properties.PolicyDocument.Statement) as Statement[])
  }
}

/** References written out: `<Storage…>` for an ARN, the parts of a text joined. */
export function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  if ('Fn::Join' in value) return value['Fn::Join'][1].map(plain).join(value['Fn::Join'][0])
  if ('Fn::GetAtt' in value) return `<${value['Fn::GetAtt'][0].slice(0, -8)}>`
  if ('Ref' in value) return `<${value.Ref}>`
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
}
