/** Thread of a run that makes rows or restart points. */
import { workTask } from './task.ts'
import { answerTasks } from './task-loop.ts'

answerTasks(workTask)
