import { CfnOutput, Stack } from 'aws-cdk-lib'
import type * as logs from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import type { ImageContent } from '../functions/assemble.ts'
import { Compute } from './compute.ts'
import { Monitoring } from './monitoring.ts'
import { acceptFindings } from './nag-exceptions.ts'
import { Network } from './network.ts'
import { Roles } from './roles.ts'
import { Schedule } from './schedule.ts'
import type { Settings } from './settings.ts'
import { Storage } from './storage.ts'
import { Submitter } from './submitter.ts'
import { Sweep } from './sweep.ts'
import { Workflow } from './workflow.ts'

/** All that runs on AWS need. It is made for no account and region in particular, and asks for nothing when it is synthesised. */
export class ReplayStack extends Stack {
  /** @param image what the containers' image is made of; null: the settings name one */
  constructor(scope: Construct, settings: Settings, image: ImageContent | null) {
    super(scope, settings.stack, { description: 'chronicle-replay: archive, tables, and what runs jobs over them' })
    const logDays: logs.RetentionDays = settings.logDays
    const storage = new Storage(this, settings)
    const network = new Network(this, { storage, settings, logDays })
    const roles = new Roles(this, storage, settings)
    const compute = new Compute(this, { settings, network, roles, content: image, logDays })
    const { machine: run } = new Workflow(this, { settings, storage, compute, logDays })
    const { policy: submitter, ofAreas } = new Submitter(this, { settings, storage, image: compute.image, run })
    new Sweep(this, { compute, run, logDays })
    new Monitoring(this, { settings, compute, run, logDays })
    const { schedule } = settings
    if (schedule !== null) new Schedule(this, { schedule, bucket: storage.table.bucketName, run, logDays })

    // What `submit`, `status`, `cancel` and `doctor` read.
    const outputs: Readonly<Record<string, string | undefined>> = {
      ArchiveBucket: storage.archive.bucketName,
      TableBucket: storage.table.bucketName,
      ImportBuckets: settings.importBuckets.length === 0 ? undefined : settings.importBuckets.join(','),
      StateMachineArn: run.stateMachineArn,
      SpotQueueArn: compute.spot.jobQueueArn,
      OnDemandQueueArn: compute.onDemand.jobQueueArn,
      Ec2QueueArn: compute.ec2?.jobQueueArn,
      TaskVcpus: String(settings.taskVcpus),
      MaxVcpus: String(settings.maxVcpus),
      ImageUri: compute.image.uri,
      Engine: compute.image.engine ?? undefined,
      LogGroup: compute.log.logGroupName,
      VacuumRoleArn: roles.vacuum.roleArn,
      SubmitterPolicyArn: submitter.managedPolicyArn,
      Areas: settings.areas.length === 0 ? undefined : settings.areas.join(','),
      ...Object.fromEntries([...ofAreas].map(([area, policy]) => [`SubmitterPolicyArnOf${area}`, policy.managedPolicyArn])),
    }
    for (const [name, value] of Object.entries(outputs)) if (value !== undefined) new CfnOutput(this, name, { value })
    acceptFindings(this)
  }
}
