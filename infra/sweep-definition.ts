import { endListedJobs, listNamedJobs } from './end-jobs.ts'
import type { StateMachineDefinition } from './states-language.ts'

/**
 * Ends what is left of the jobs of an execution: Step Functions ends them where somebody stops it, not where its time is up.
 * Input: {name: of the execution}; its jobs are `<name>-task-…`, `<name>-plan`, `<name>-commit`, and those of a resumption have another.
 * @param queues ARNs
 */
export function sweepDefinition(queues: readonly string[]): StateMachineDefinition {
  const places = queues.flatMap((queue) => ['task-*', 'plan', 'commit'].map((word) => ({ queue, word })))
  const jobs = { queue: { 'JobQueue.$': '$.queue' }, name: "States.Format('{}-{}', $.name, $.word)" }
  return {
    Comment: 'Ends the jobs of a run whose execution is over',
    StartAt: 'Places',
    States: {
      Places: { Type: 'Pass', Result: places, ResultPath: '$.places', Next: 'EachPlace' },
      EachPlace: {
        Type: 'Map',
        ItemsPath: '$.places',
        ItemSelector: { 'name.$': '$.name', 'queue.$': '$$.Map.Item.Value.queue', 'word.$': '$$.Map.Item.Value.word' },
        ItemProcessor: {
          ProcessorConfig: { Mode: 'INLINE' },
          StartAt: 'List',
          States: {
            List: listNamedJobs(jobs, { Next: 'EndJobs' }),
            EndJobs: endListedJobs('the run is over', { Next: 'IsThereMore' }),
            IsThereMore: {
              Type: 'Choice',
              Choices: [{ Variable: '$.page.NextToken', IsPresent: true, Next: 'ListMore' }],
              Default: 'Swept',
            },
            ListMore: listNamedJobs({ ...jobs, page: '$.page.NextToken' }, { Next: 'EndJobs' }),
            Swept: { Type: 'Succeed', OutputPath: null },
          },
        },
        ResultPath: null,
        End: true,
      },
    },
  }
}
