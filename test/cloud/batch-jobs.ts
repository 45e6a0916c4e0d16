import { setTimeout as sleep } from 'node:timers/promises'
import {
  BatchClient,
  CreateComputeEnvironmentCommand,
  CreateJobQueueCommand,
  DescribeJobsCommand,
  type JobDetail,
  RegisterJobDefinitionCommand,
  type RegisterJobDefinitionCommandInput,
  SubmitJobCommand,
  type SubmitJobCommandInput,
} from '@aws-sdk/client-batch'
import { localEnvironment } from '../../localstack/deployment.ts'

/** A queue of one test file, with jobs of `programs/job.mjs`. */
export class BatchJobs {
  readonly client: BatchClient
  readonly queue: string
  #definition = ''

  constructor(endpoint: string, queue: string) {
    Object.assign(process.env, localEnvironment(endpoint))
    this.client = new BatchClient({ maxAttempts: 1 })
    this.queue = queue
  }

  async open(definition: Partial<RegisterJobDefinitionCommandInput>): Promise<void> {
    await this.client.send(new CreateComputeEnvironmentCommand({ computeEnvironmentName: this.queue, type: 'MANAGED' }))
    await this.client.send(
      new CreateJobQueueCommand({
        jobQueueName: this.queue,
        priority: 1,
        computeEnvironmentOrder: [{ order: 1, computeEnvironment: this.queue }],
        jobStateTimeLimitActions: [
          { action: 'CANCEL', state: 'RUNNABLE', maxTimeSeconds: 600, reason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY' },
        ],
      }),
    )
    const { jobDefinitionArn } = await this.client.send(
      new RegisterJobDefinitionCommand({ jobDefinitionName: this.queue, type: 'container', ...definition }),
    )
    this.#definition = jobDefinitionArn!
  }

  /** Returns the job's id. */
  async submit(jobName: string, command: readonly string[], more: Partial<SubmitJobCommandInput> = {}): Promise<string> {
    const { jobId } = await this.client.send(
      new SubmitJobCommand({
        jobName,
        jobQueue: this.queue,
        jobDefinition: this.#definition,
        ...more,
        containerOverrides: { command: [...command], ...more.containerOverrides },
      }),
    )
    return jobId!
  }

  async describe(id: string): Promise<JobDetail> {
    const { jobs } = await this.client.send(new DescribeJobsCommand({ jobs: [id] }))
    return jobs![0]!
  }

  /** Waits until a job is in one of the states. */
  async until(id: string, ...states: readonly string[]): Promise<JobDetail> {
    for (;;) {
      const job = await this.describe(id)
      if (states.includes(job.status!)) return job
      if (job.status === 'SUCCEEDED' || job.status === 'FAILED') {
        throw new Error(`expected job ${job.jobName} to become ${states.join(' or ')}, found ${job.status}: ${job.statusReason}`)
      }
      await sleep(50)
    }
  }

  ended(id: string): Promise<JobDetail> {
    return this.until(id, 'SUCCEEDED', 'FAILED')
  }

  async run(jobName: string, command: readonly string[], more: Partial<SubmitJobCommandInput> = {}): Promise<JobDetail> {
    return await this.ended(await this.submit(jobName, command, more))
  }
}
