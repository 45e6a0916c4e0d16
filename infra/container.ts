import { Aws } from 'aws-cdk-lib'
import type { CfnJobDefinition, CfnJobDefinitionProps } from 'aws-cdk-lib/aws-batch'
import { EXIT_AGAIN } from '../core/errors.ts'
import type { Settings } from './settings.ts'

/** What a container is started for; each has a role of its own. */
export const CONTAINER_KINDS = ['plan', 'task', 'snapshots', 'import', 'commit', 'archiveCommit'] as const
export type ContainerKind = (typeof CONTAINER_KINDS)[number]

/** What a job definition refers to. */
export interface ContainerPlaces {
  readonly image: string
  /** Name of the log group. */
  readonly log: string
  /** ARNs. */
  readonly role: string
  readonly executionRole: string
}

/** Attempts at one job: the first, and again after what may pass. */
const ATTEMPTS = 5
/** Planning and committing a million partitions take minutes. */
const COORDINATOR = { vcpus: 2, memoryGiB: 8, seconds: 3600 }
/**
 * Of the memory, as the heap of JavaScript, in each thread: nothing is left to what V8 takes by itself, 2 GB on most machines. The rest is
 * for what lies outside of it: kernels, buffers, and of plans and tables compressed text.
 */
const HEAP_SHARE = { task: 1 / 2, coordinator: 3 / 8 }
/** Putting the logs of an import into their places copies all of them. */
const ARCHIVE_COMMIT_SECONDS = 6 * 3600
/** Where tasks have none from their plan. */
const TASK_SECONDS = 3600
/** The only folder that can be written to; empty and gone with the container. */
const SCRATCH = '/tmp'

/**
 * A job definition: the image without rights beyond its role, on a root file system that cannot be written to.
 * Tasks are submitted with their own timeout.
 * @param area of tasks with a role of their own; null: the role of all others
 */
export function containerDefinition(
  kind: ContainerKind,
  platform: 'FARGATE' | 'EC2',
  places: ContainerPlaces,
  settings: Settings,
  area: string | null = null,
): CfnJobDefinitionProps {
  const isTask = kind === 'task' || kind === 'snapshots' || kind === 'import'
  const word = isTask ? 'task' : kind === 'plan' ? 'plan' : 'commit'
  // Joined logs are made on disk, too.
  const hasDisk = isTask || kind === 'archiveCommit'
  const { vcpus, memoryGiB } = isTask ? { vcpus: settings.taskVcpus, memoryGiB: settings.taskMemoryGiB } : COORDINATOR
  // An instance keeps some memory for itself; asking for less lets whole numbers of containers fit.
  const memoryMiB = platform === 'EC2' ? Math.floor(memoryGiB * 1024 * 0.9) : memoryGiB * 1024
  return {
    type: 'container',
    jobDefinitionName: `${settings.stack}-${area === null ? kind.replace('C', '-c') : `area-${area}`}${platform === 'EC2' ? '-ec2' : ''}`,
    platformCapabilities: [platform],
    propagateTags: true,
    // Runs that are on their way go on with the revision that they began with.
    resourceRetentionPolicy: { skipDeregisterOnUpdate: true },
    retryStrategy: { attempts: ATTEMPTS, evaluateOnExit: retryRules(platform) },
    timeout: { attemptDurationSeconds: isTask ? TASK_SECONDS : kind === 'archiveCommit' ? ARCHIVE_COMMIT_SECONDS : COORDINATOR.seconds },
    containerProperties: {
      image: places.image,
      command: [word],
      jobRoleArn: places.role,
      executionRoleArn: places.executionRole,
      user: 'node',
      readonlyRootFilesystem: true,
      volumes: [{ name: 'scratch' }],
      mountPoints: [{ sourceVolume: 'scratch', containerPath: SCRATCH, readOnly: false }],
      resourceRequirements: [
        { type: 'VCPU', value: String(vcpus) },
        { type: 'MEMORY', value: String(memoryMiB) },
      ],
      environment: [
        { name: 'AWS_REGION', value: Aws.REGION },
        { name: 'TASK_VCPUS', value: String(vcpus) },
        { name: 'TMPDIR', value: SCRATCH },
        {
          name: 'NODE_OPTIONS',
          value: `--max-old-space-size=${Math.floor(memoryMiB * (isTask ? HEAP_SHARE.task : HEAP_SHARE.coordinator))}`,
        },
        // Its role is for no other job.
        ...(kind === 'snapshots' ? [{ name: 'ONLY_JOB', value: 'snapshots' }] : []),
      ],
      logConfiguration: {
        logDriver: 'awslogs',
        options: { 'awslogs-group': places.log, 'awslogs-region': Aws.REGION, 'awslogs-stream-prefix': kind },
      },
      ...(platform === 'FARGATE' && fargateProperties(settings, hasDisk)),
    },
  }
}

function fargateProperties({ architecture, scratchGiB }: Settings, hasDisk: boolean) {
  return {
    fargatePlatformConfiguration: { platformVersion: 'LATEST' },
    runtimePlatform: { cpuArchitecture: architecture, operatingSystemFamily: 'LINUX' },
    networkConfiguration: { assignPublicIp: 'DISABLED' },
    // 20 GiB come with every container.
    ...(hasDisk && { ephemeralStorage: { sizeInGiB: scratchGiB } }),
  }
}

/**
 * What is not tried again, first match: running out of memory, and every exit of a container's own or of one that was killed
 * (core/container-exit.ts), unless its machine was taken. Batch tries again whatever no rule names: images that could not be pulled, networks
 * that were not there, hosts that were lost, each platform in words of its own and not always in the same field.
 */
function retryRules(platform: 'FARGATE' | 'EC2'): CfnJobDefinition.EvaluateOnExitProperty[] {
  return [
    { action: 'EXIT', onReason: 'OutOfMemory*' },
    { action: 'RETRY', onExitCode: String(EXIT_AGAIN) },
    { action: 'RETRY', onStatusReason: platform === 'FARGATE' ? 'Your Spot Task was interrupted*' : 'Host EC2*' },
    { action: 'EXIT', onExitCode: '1*' },
  ]
}
