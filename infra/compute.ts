import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib'
import * as batch from 'aws-cdk-lib/aws-batch'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as logs from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { ImageContent } from '../functions/assemble.ts'
import { CONTAINER_KINDS, type ContainerKind, containerDefinition } from './container.ts'
import { Image } from './image.ts'
import type { Network } from './network.ts'
import type { Roles } from './roles.ts'
import type { Settings } from './settings.ts'

export interface ComputeOptions {
  readonly settings: Settings
  readonly network: Network
  readonly roles: Roles
  /** What the image is made of; null: the settings name one. */
  readonly content: ImageContent | null
  readonly logDays: logs.RetentionDays
}

/** Queues, what runs their jobs, and what a job is. */
export class Compute extends Construct {
  readonly onDemand: batch.JobQueue
  /** Fargate Spot. */
  readonly spot: batch.JobQueue
  /** EC2 Spot instances, where asked for; tasks then go here. */
  readonly ec2: batch.JobQueue | null
  readonly definitions: Readonly<Record<ContainerKind, batch.CfnJobDefinition>>
  /** Those of jobs in the `ec2` queue. */
  readonly ec2Definitions: Readonly<Record<'task' | 'snapshots' | 'import', batch.CfnJobDefinition>> | null
  /** Of the tasks of each area, by its name. */
  readonly areas: ReadonlyMap<string, { readonly spot: batch.CfnJobDefinition; readonly onDemand: batch.CfnJobDefinition }>
  readonly log: logs.LogGroup
  readonly image: Image

  constructor(scope: Construct, options: ComputeOptions) {
    super(scope, 'Compute')
    const { settings, network, roles, logDays } = options
    const { maxVcpus } = settings
    const place = { vpc: network.vpc, vpcSubnets: network.subnets, securityGroups: [network.jobs], maxvCpus: maxVcpus }
    this.onDemand = this.#queue('OnDemand', new batch.FargateComputeEnvironment(this, 'FargateOnDemand', place), settings)
    this.spot = this.#queue('Spot', new batch.FargateComputeEnvironment(this, 'FargateSpot', { ...place, spot: true }), settings)
    this.ec2 = settings.ec2Spot ? this.#queue('Ec2Spot', this.#ec2Environment(options), settings) : null

    this.log = new logs.LogGroup(this, 'Log', { retention: logDays, removalPolicy: RemovalPolicy.DESTROY })
    this.image = new Image(this, settings, options.content)
    const execution = new iam.Role(this, 'Execution', {
      description: 'Starts containers: pulls the image, opens the log stream',
      assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    })
    this.image.grantPull(execution)
    this.log.grantWrite(execution)

    const define = (kind: ContainerKind, platform: 'FARGATE' | 'EC2', area: string | null = null): batch.CfnJobDefinition => {
      const role = area === null ? roles[kind] : roles.areas.get(area)!
      const places = {
        image: this.image.uri,
        log: this.log.logGroupName,
        role: role.roleArn,
        executionRole: execution.roleArn,
      }
      const id = `${area === null ? kind[0]!.toUpperCase() + kind.slice(1) : `Area${area}`}${platform === 'EC2' ? 'Ec2' : ''}`
      return new batch.CfnJobDefinition(this, id, containerDefinition(kind, platform, places, settings, area))
    }
    this.definitions = Object.fromEntries(CONTAINER_KINDS.map((kind) => [kind, define(kind, 'FARGATE')])) as Compute['definitions']
    this.ec2Definitions = settings.ec2Spot
      ? { task: define('task', 'EC2'), snapshots: define('snapshots', 'EC2'), import: define('import', 'EC2') }
      : null
    this.areas = new Map(
      settings.areas.map((area) => {
        const onDemand = define('task', 'FARGATE', area)
        return [area, { onDemand, spot: settings.ec2Spot ? define('task', 'EC2', area) : onDemand }]
      }),
    )
  }

  get queues(): batch.JobQueue[] {
    return [this.onDemand, this.spot, ...(this.ec2 === null ? [] : [this.ec2])]
  }

  /**
   * A job that cannot be placed is given up, so that it is run elsewhere or told, and does not hold up those behind it. The
   * state machine looks for these reasons (workflow.ts); the first is about Spot, the others about settings that do not fit.
   */
  #queue(id: string, computeEnvironment: batch.IComputeEnvironmentRef, { spotWaitMinutes }: Settings): batch.JobQueue {
    const { INSUFFICIENT_INSTANCE_CAPACITY, JOB_RESOURCE_REQUIREMENT, COMPUTE_ENVIRONMENT_MAX_RESOURCE } =
      batch.JobStateTimeLimitActionsReason
    return new batch.JobQueue(this, id, {
      computeEnvironments: [{ computeEnvironment, order: 1 }],
      jobStateTimeLimitActions: [INSUFFICIENT_INSTANCE_CAPACITY, JOB_RESOURCE_REQUIREMENT, COMPUTE_ENVIRONMENT_MAX_RESOURCE].map(
        (reason) => ({
          action: batch.JobStateTimeLimitActionsAction.CANCEL,
          state: batch.JobStateTimeLimitActionsState.RUNNABLE,
          maxTime: Duration.minutes(spotWaitMinutes),
          reason,
        }),
      ),
    })
  }

  #ec2Environment({ settings, network }: ComputeOptions): batch.ManagedEc2EcsComputeEnvironment {
    const { C6I, C7I, M6I, M7I, C6G, C7G, M6G, M7G } = ec2.InstanceClass
    const { architecture, maxVcpus, scratchGiB } = settings
    const instanceRole = new iam.Role(this, 'Instance', {
      description: 'Instances that run containers; the containers cannot take it',
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonEC2ContainerServiceforEC2Role')],
    })
    const disk = ec2.BlockDeviceVolume.ebs(30 + 4 * scratchGiB, { volumeType: ec2.EbsDeviceVolumeType.GP3, encrypted: true })
    const launchTemplate = new ec2.LaunchTemplate(this, 'InstanceTemplate', {
      blockDevices: [{ deviceName: '/dev/xvda', volume: disk }],
      // One hop ends at the instance: a request from behind a bridge takes two.
      requireImdsv2: true,
      httpPutResponseHopLimit: 1,
      userData: withoutMetadata(),
    })
    return new batch.ManagedEc2EcsComputeEnvironment(this, 'Ec2SpotInstances', {
      vpc: network.vpc,
      vpcSubnets: network.subnets,
      securityGroups: [network.jobs],
      spot: true,
      allocationStrategy: batch.AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED,
      minvCpus: 0,
      maxvCpus: maxVcpus,
      images: [{ imageType: batch.EcsMachineImageType.ECS_AL2023 }],
      useOptimalInstanceClasses: false,
      instanceClasses: architecture === 'ARM64' ? [C7G, C6G, M7G, M6G] : [C7I, C6I, M7I, M6I],
      instanceRole,
      launchTemplate,
    })
  }
}

/**
 * Containers of Batch share their instance's network, where the hop limit stops nothing: what is not root, as no container is, gets no answer
 * from the metadata service, nor does a bridge. An instance that cannot keep this ends.
 */
function withoutMetadata(): ec2.MultipartUserData {
  const shell = ec2.UserData.forLinux()
  const refuse = `--destination ${METADATA_ADDRESS} --jump DROP`
  shell.addCommands(
    `iptables --insert OUTPUT --match owner ! --uid-owner 0 ${refuse} && iptables --table raw --insert PREROUTING --in-interface docker+ ${refuse} || shutdown --halt now`,
  )
  const parts = new ec2.MultipartUserData()
  parts.addUserDataPart(shell, ec2.MultipartBody.SHELL_SCRIPT, true)
  return parts
}

const METADATA_ADDRESS = '169.254.169.254'
