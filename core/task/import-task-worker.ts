/** Thread of a run that imports: an entry of its own, so that what reads vendors' files is no part of the engine that makes rows. */
import { workImport } from './import-task.ts'
import { answerTasks } from './task-loop.ts'

answerTasks(workImport)
