/* A thread that imports units: an entry of its own, as whoever else imports it would listen at a port that is not its. */
import { parentPort, workerData } from 'node:worker_threads'
import { type ImportWorkerData, runUnit, type UnitTask } from './unit-task.ts'

const { library } = workerData as ImportWorkerData

parentPort!.on('message', (task: UnitTask) => {
  // The library is provided as it is to the one who started the thread.
  void import(library).then(() => runUnit(task)).then((reply) => parentPort!.postMessage(reply))
})
