import { Duration } from 'aws-cdk-lib'
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import * as logs from 'aws-cdk-lib/aws-logs'
import * as sns from 'aws-cdk-lib/aws-sns'
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { NAMESPACE } from '../functions/log.ts'
import type { Compute } from './compute.ts'
import { QueueWatch } from './queue-watch.ts'
import type { Settings } from './settings.ts'

const MAX_WAIT_SECONDS = 900
/** Metrics of tasks, by job (functions/task.ts), as the dashboard shows them. */
const TASK_METRICS: readonly (readonly [string, string, string])[] = [
  ['Messages', 'Messages', 'Sum'],
  ['Bytes', 'Bytes read', 'Sum'],
  ['Gets', 'S3 reads', 'Sum'],
  ['Retries', 'Requests tried again', 'Sum'],
  ['FailedPartitions', 'Failed partitions', 'Sum'],
  ['QueueWait', 'Wait for a place, s', 'p95'],
  ['Duration', 'Duration of tasks, s', 'p95'],
  ['Cost', 'US dollars', 'Sum'],
]

export interface MonitoringOptions {
  readonly settings: Settings
  readonly compute: Compute
  readonly run: sfn.StateMachine
  readonly logDays: logs.RetentionDays
}

/** Alarms and a dashboard. */
export class Monitoring extends Construct {
  readonly #settings: Settings

  constructor(scope: Construct, { settings, compute, run, logDays }: MonitoringOptions) {
    super(scope, 'Monitoring')
    this.#settings = settings
    const { oldestWait } = new QueueWatch(this, { compute, logDays })
    const partial = this.#countOf('Partial', compute.log, 'partial')
    const commits = this.#countOf('Commits', compute.log, 'committed')
    const minutes = { period: Duration.minutes(5) }
    const failed = run.metricFailed(minutes)
    const timedOut = run.metricTimedOut(minutes)

    const alarms = [
      this.#alarm('RunFailed', failed, 'A run ended without being whole: see the cause of its execution'),
      this.#alarm('RunPartial', partial.metric, 'Partitions of a run are missing: outcome.json says why; resume runs them'),
      this.#alarm('NoCommitByDeadline', timedOut, `A run had not committed ${settings.deadlineHours} hours after it began; resume goes on`),
      this.#alarm(
        'JobsWait',
        oldestWait,
        'A job has been waiting for a place for more than 15 minutes: quota, Spot, maxVcpus',
        MAX_WAIT_SECONDS,
      ),
      ...(settings.schedule === null ? [] : [this.#noScheduledCommit(commits.metric, settings.deadlineHours)]),
    ]
    const graph = (title: string, left: cloudwatch.IMetric[]): cloudwatch.GraphWidget =>
      new cloudwatch.GraphWidget({ title, left, width: 8 })
    new cloudwatch.Dashboard(this, 'Dashboard', {
      dashboardName: `${settings.stack}-runs`,
      widgets: [
        [new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms, width: 24 })],
        [
          graph('Runs', [run.metricStarted(minutes), run.metricSucceeded(minutes), failed, timedOut]),
          graph('Commits', [commits.metric, partial.metric]),
          graph('Oldest waiting job, s', [oldestWait]),
        ],
        TASK_METRICS.map(([name, title, statistic]) => graph(title, [byJob(name, statistic)])),
      ],
    })
  }

  /** How often the log says that something happened (functions/commit.ts). */
  #countOf(id: string, logGroup: logs.ILogGroup, event: string): { readonly metric: cloudwatch.Metric } {
    const filter = new logs.MetricFilter(this, id, {
      logGroup,
      filterPattern: logs.FilterPattern.stringValue('$.event', '=', event),
      metricNamespace: NAMESPACE,
      metricName: `${this.#settings.stack}-${id}`,
      metricValue: '1',
    })
    return { metric: filter.metric({ statistic: 'Sum', period: Duration.minutes(5) }) }
  }

  /** No commit in any hour of a day and the deadline: the longest that a daily schedule can take. */
  #noScheduledCommit(commits: cloudwatch.Metric, deadlineHours: number): cloudwatch.Alarm {
    const hours = Math.min(7 * 24, 24 + deadlineHours)
    const alarm = new cloudwatch.Alarm(this, 'NoScheduledCommit', {
      metric: commits.with({ period: Duration.hours(1) }),
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      threshold: 1,
      evaluationPeriods: hours,
      datapointsToAlarm: hours,
      treatMissingData: cloudwatch.TreatMissingData.BREACHING,
      alarmDescription: `No run of the schedule has committed for ${hours} hours`,
    })
    return this.#tell(alarm)
  }

  #alarm(id: string, metric: cloudwatch.IMetric, alarmDescription: string, above = 0): cloudwatch.Alarm {
    const alarm = new cloudwatch.Alarm(this, id, {
      metric,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      threshold: above,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      alarmDescription,
    })
    return this.#tell(alarm)
  }

  #tell(alarm: cloudwatch.Alarm): cloudwatch.Alarm {
    const { alarmTopic } = this.#settings
    if (alarmTopic !== null) alarm.addAlarmAction(new SnsAction(sns.Topic.fromTopicArn(this, `${alarm.node.id}Topic`, alarmTopic)))
    return alarm
  }
}

function byJob(metric: string, statistic: string): cloudwatch.IMetric {
  return new cloudwatch.MathExpression({
    expression: `SEARCH('{${NAMESPACE},Job} MetricName="${metric}"', '${statistic}', 60)`,
    usingMetrics: {},
    label: '',
  })
}
