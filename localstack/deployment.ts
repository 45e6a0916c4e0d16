import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { LocalServer } from './local-state.ts'

/** LocalStack's account, and where the stack is deployed to. */
export const LOCAL_ACCOUNT = '000000000000'
export const LOCAL_REGION = 'us-east-1'

const ROOT = path.resolve(import.meta.dirname, '..')
const CDK = createRequire(import.meta.url).resolve('aws-cdk/bin/cdk')

/** A deployed stack. */
export interface Deployment {
  readonly stack: string
  /** By the names of the stack's outputs. */
  readonly outputs: Readonly<Record<string, string>>
}

/** The environment of a process that takes LocalStack for AWS. */
export function localEnvironment(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint, // the CDK's own client asks for this one
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: LOCAL_REGION,
    AWS_DEFAULT_REGION: LOCAL_REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

/** How the stack is made for this machine; for the rest it is as on AWS. No image is built: jobs are processes of its content. */
export const LOCAL_CONTEXT: Readonly<Record<string, string>> = {
  taskVcpus: '1',
  maxVcpus: '32',
  importBuckets: 'vendor-files',
  repository: 'chronicle-replay',
}

/**
 * Makes the stack's template from `infra/` in a folder. No AWS is asked.
 * @param environment where it is to be deployed. @default LocalStack
 */
export async function synthesize(
  folder: string,
  environment: { readonly account: string; readonly region: string } = { account: LOCAL_ACCOUNT, region: LOCAL_REGION },
): Promise<void> {
  const context = Object.entries(LOCAL_CONTEXT).flatMap(([name, value]) => ['--context', `${name}=${value}`])
  const { account, region } = environment
  await cdk(['synth', '--quiet', '--output', folder, ...context], { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region })
}

/** Makes what the CDK needs in an account before it can deploy there. */
export async function bootstrap({ endpoint, state }: LocalServer): Promise<void> {
  // Away from cdk.json: it would make the stack as well, only to learn that nothing of it matters here.
  await cdk(['bootstrap', `aws://${LOCAL_ACCOUNT}/${LOCAL_REGION}`], localEnvironment(endpoint), state)
}

/**
 * Deploys what was synthesised.
 * @param folder of the synthesised stack; the outputs are kept beside it
 */
export async function deploy({ endpoint }: LocalServer, folder: string): Promise<Deployment> {
  const outputs = `${folder}.outputs.json`
  const how = ['--require-approval', 'never', '--method', 'direct', '--outputs-file', outputs]
  await cdk(['deploy', '--all', '--app', folder, ...how], localEnvironment(endpoint))
  const stacks = Object.entries(JSON.parse(fs.readFileSync(outputs, 'utf8')) as Record<string, Record<string, string>>)
  if (stacks.length !== 1)
    throw new Error(`expected one stack with outputs in ${outputs}, found ${stacks.map(([name]) => name).join(', ')}`)
  const [[stack, values]] = stacks as [[string, Record<string, string>]]
  return { stack, outputs: values }
}

async function cdk(args: readonly string[], environment: Record<string, string>, cwd = ROOT): Promise<void> {
  const child = spawn(process.execPath, [CDK, ...args, '--no-notices', '--no-version-reporting'], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`, HOME: process.env.HOME, CI: 'true', ...environment },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) throw new Error(`cdk ${args[0]} failed:\n${said.trim().split('\n').slice(-20).join('\n')}`)
}
