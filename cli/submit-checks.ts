import { ReplayError } from '../core/errors.ts'
import type { WritablePlan } from '../core/plan/run/plan-writer.ts'
import { badOption } from './arguments.ts'
import type { CloudRun } from './cloud-run.ts'
import { type CloudStack, vcpuQuota } from './cloud-stack.ts'
import type { CommandInput } from './command.ts'
import { bytesText, countText, dollarsText } from './output.ts'
import type { ProgressLine } from './progress.ts'

/** A place in a bucket that the stack's roles may use. */
export function s3Option(input: CommandInput, option: 'archive' | 'table' | 'snapshots-from' | 'snapshots-to', bucket: string): string {
  const given = input.text(option) ?? (option === 'archive' ? `s3://${bucket}` : '')
  const uri = given.replace(/\/+$/, '')
  if (uri === `s3://${bucket}` || uri.startsWith(`s3://${bucket}/`)) return uri
  throw badOption(option, `a place in the stack's bucket, s3://${bucket}/…`, given)
}

/** Says what the run may cost, before it does. @throws ReplayError input `over-budget`, `vcpu-quota` */
export async function checkCost(
  { cloud, stack, submission }: CloudRun & { readonly stack: CloudStack },
  { head, tasks }: Pick<WritablePlan, 'head' | 'tasks'>,
  progress: ProgressLine,
): Promise<void> {
  const { cost, counts } = head
  const { maxDollars } = submission
  progress.note(
    `${countText(counts.run + counts.stale)} partitions in about ${countText(tasks.length)} tasks, ${countText(counts.cached)} cached; ${bytesText(cost.bytesRead)} to read; ${dollarsText(cost.dollars.low)} to ${dollarsText(cost.dollars.high)} (${cost.assumptions.join('; ')})`,
  )
  if (maxDollars !== null && cost.dollars.high > maxDollars) {
    const message = `the run may cost ${dollarsText(cost.dollars.high)}, more than --max-dollars ${maxDollars}; take fewer symbols, days or parameters, or allow more`
    throw new ReplayError('over-budget', message, { category: 'input' })
  }
  const quota = await vcpuQuota(cloud, stack.isEc2 ? 'ec2Spot' : 'fargateSpot')
  const wanted = Math.min(stack.maxVcpus, tasks.length * stack.taskVcpus)
  if (quota === null) progress.note(`the account's vCPU quota is not known; the run wants ${wanted} vCPUs`)
  else if (quota < stack.taskVcpus) {
    const message = `the account may use ${quota} vCPUs at once, a task needs ${stack.taskVcpus}; ask for a higher quota (Service Quotas), or deploy smaller tasks`
    throw new ReplayError('vcpu-quota', message, { category: 'input' })
  } else if (quota < wanted) {
    progress.note(`the account may use ${quota} vCPUs at once, the run could use ${wanted}: it takes longer, or ask for a higher quota`)
  }
}
