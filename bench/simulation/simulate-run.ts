import type { CloudWorld } from './cloud-world.ts'
import { randomOf } from './random.ts'
import type { SimulatedTask } from './simulated-work.ts'
import { TimeQueue } from './time-queue.ts'

export interface SimulatedRun {
  /** Seconds: all of it; and of that planning, tasks, committing. */
  readonly makespanS: number
  readonly planS: number
  readonly tasksS: number
  readonly commitS: number
  /** Share of the paid vCPU-seconds in which bytes were replayed that count. */
  readonly utilisation: number
  readonly vcpuHours: number
  readonly dollars: number
  readonly attempts: number
  readonly interruptions: number
  /** Tasks that are done, and their bytes. */
  readonly tasksDone: number
  readonly bytesDone: number
  /** Bytes read, also those of attempts that were interrupted and did not finish them. */
  readonly bytesRead: number
  /** The most containers and vCPUs at once, and the most GETs a second that S3 was asked for. */
  readonly maxContainers: number
  readonly maxVcpus: number
  readonly maxGetsPerS: number
  /** Share of the tasks' time in which S3 held the run up. */
  readonly throttledShare: number
  /** When containers were launched, seconds from the first submit on. */
  readonly launchesS: readonly number[]
}

/** A thread has several units of a task, one after the other (core/task/task-units.ts). */
const UNITS_PER_THREAD = 3

/** Simulates a run by its events. The same arguments, the same result. */
export function simulateRun(tasks: readonly SimulatedTask[], taskVcpus: number, world: CloudWorld, seed: number): SimulatedRun {
  return new Simulation(tasks, taskVcpus, world, seed).run()
}

/** What is left of a task. */
interface TaskState {
  bytes: number
  partitions: number
}

type Event =
  | { readonly kind: 'submitted'; readonly task: TaskState }
  | { readonly kind: 'started'; readonly container: Container }
  | { readonly kind: 'interrupted'; readonly container: Container }
  | { readonly kind: 'noticed' }

interface Container {
  readonly task: TaskState
  readonly launchedS: number
  /** Progress of the S3 clock at which it began and will be done; NaN before it works. */
  beganAt: number
  doneAt: number
  isOver: boolean
}

class Simulation {
  readonly #vcpus: number
  readonly #world: CloudWorld
  readonly #random: () => number
  readonly #waitingToSubmit: TaskState[]
  /** Jobs in Batch that wait for a container, the first one first. */
  readonly #runnable: TaskState[] = []
  #runnableAt = 0
  readonly #events = new TimeQueue<Event>()
  /** Working containers by the S3 clock at which they will be done. */
  readonly #working = new TimeQueue<Container>()
  #nowS = 0
  /** Seconds of undisturbed work since the start: runs slower than time where S3 holds up. */
  #clockS = 0
  #submitFreeS = 0
  #launchFreeS = 0
  #inMap = 0
  /** Tasks whose end Step Functions has not heard of. */
  #open: number
  #containers = 0
  #workingCount = 0
  #s3Partitions: number
  #overloadedS = 0
  #throttledS = 0
  #paidS = 0
  readonly #launchesS: number[] = []
  readonly #sums = { attempts: 0, interruptions: 0, tasksDone: 0, bytesDone: 0, bytesRead: 0, maxContainers: 0, maxGetsPerS: 0 }

  constructor(tasks: readonly SimulatedTask[], taskVcpus: number, world: CloudWorld, seed: number) {
    this.#vcpus = taskVcpus
    this.#world = world
    this.#random = randomOf(seed)
    this.#open = tasks.length
    this.#s3Partitions = world.s3Partitions
    this.#waitingToSubmit = tasks.map(({ bytes, partitions }) => ({ bytes, partitions })).reverse()
  }

  run(): SimulatedRun {
    const { listedPerS, committedPerS, vcpuHourDollars, getDollars, putDollars, attemptDollars, getBytes, bytesPerVcpuS } = this.#world
    const partitions = this.#waitingToSubmit.reduce((sum, task) => sum + task.partitions, 0)
    // A log has a segment, an index and its facts.
    const planS = (3 * partitions) / listedPerS
    const commitS = partitions / committedPerS
    this.#submit()
    // Interruptions that were to come to containers that are over are not waited for.
    while (this.#open > 0) this.#step()
    const tasksS = this.#nowS
    const { attempts, interruptions, tasksDone, bytesDone, bytesRead, maxContainers, maxGetsPerS } = this.#sums
    const vcpuS = this.#paidS * this.#vcpus
    const requests = (bytesRead / getBytes) * getDollars + (partitions + attempts) * putDollars
    return {
      makespanS: planS + tasksS + commitS,
      ...{ planS, tasksS, commitS },
      utilisation: vcpuS === 0 ? 0 : bytesDone / bytesPerVcpuS / vcpuS,
      vcpuHours: vcpuS / 3600,
      dollars: (vcpuS / 3600) * vcpuHourDollars + requests + attempts * attemptDollars,
      ...{ attempts, interruptions, tasksDone, bytesDone, bytesRead, maxContainers, maxGetsPerS },
      maxVcpus: maxContainers * this.#vcpus,
      throttledShare: tasksS === 0 ? 0 : this.#throttledS / tasksS,
      launchesS: this.#launchesS,
    }
  }

  /** Goes on to the next event or end of a container, whichever is first. */
  #step(): void {
    const speed = this.#speed()
    const doneS = this.#working.size === 0 ? Number.POSITIVE_INFINITY : this.#nowS + (this.#working.time - this.#clockS) / speed
    const isEvent = this.#events.time <= doneS
    const passedS = Math.max(0, (isEvent ? this.#events.time : doneS) - this.#nowS)
    this.#nowS += passedS
    this.#clockS += passedS * speed
    if (speed < 1) this.#addOverload(passedS)
    if (isEvent) this.#handle(this.#events.pop())
    else this.#finish(this.#working.pop())
  }

  /** How fast containers work, 1: as fast as they can; S3 holds up all of them alike. */
  #speed(): number {
    const { bytesPerVcpuS, getBytes, s3GetsPerS } = this.#world
    const wanted = (this.#workingCount * this.#vcpus * bytesPerVcpuS) / getBytes
    const speed = Math.min(1, (s3GetsPerS * this.#s3Partitions) / Math.max(1, wanted))
    this.#sums.maxGetsPerS = Math.max(this.#sums.maxGetsPerS, wanted * speed)
    return speed
  }

  #addOverload(seconds: number): void {
    this.#throttledS += seconds
    this.#overloadedS += seconds
    if (this.#overloadedS < this.#world.s3SplitS) return
    this.#overloadedS = 0
    this.#s3Partitions *= 2
  }

  #handle(event: Event): void {
    if (event.kind === 'submitted') {
      this.#runnable.push(event.task)
      this.#launch()
    } else if (event.kind === 'started') this.#begin(event.container)
    else if (event.kind === 'interrupted') this.#interrupt(event.container)
    else {
      this.#open--
      this.#inMap--
      this.#submit()
    }
  }

  #submit(): void {
    const { mapConcurrency, submitsPerS } = this.#world
    while (this.#inMap < mapConcurrency && this.#waitingToSubmit.length > 0) {
      this.#inMap++
      this.#submitFreeS = Math.max(this.#submitFreeS, this.#nowS) + 1 / submitsPerS
      this.#events.push(this.#submitFreeS, { kind: 'submitted', task: this.#waitingToSubmit.pop()! })
    }
  }

  #launch(): void {
    const { quotaVcpus, launchesPerS, startS, interruptionsPerHour } = this.#world
    while (this.#runnableAt < this.#runnable.length && (this.#containers + 1) * this.#vcpus <= quotaVcpus) {
      this.#containers++
      this.#sums.attempts++
      this.#sums.maxContainers = Math.max(this.#sums.maxContainers, this.#containers)
      this.#launchFreeS = Math.max(this.#launchFreeS, this.#nowS) + 1 / launchesPerS
      const launchedS = this.#launchFreeS
      this.#launchesS.push(launchedS)
      const container: Container = {
        task: this.#runnable[this.#runnableAt++]!,
        launchedS,
        beganAt: Number.NaN,
        doneAt: Number.NaN,
        isOver: false,
      }
      this.#events.push(launchedS + startS[0] + this.#random() * (startS[1] - startS[0]), { kind: 'started', container })
      if (interruptionsPerHour === 0) continue
      const afterS = (-Math.log(1 - this.#random()) * 3600) / interruptionsPerHour
      // Later ones than any task takes are not worth keeping.
      if (afterS < MAX_TASK_S) this.#events.push(launchedS + afterS, { kind: 'interrupted', container })
    }
  }

  #begin(container: Container): void {
    if (container.isOver) return
    const { task } = container
    const { bytesPerVcpuS, partitionS } = this.#world
    const units = Math.min(task.partitions, UNITS_PER_THREAD * this.#vcpus)
    const unitS = (task.bytes / bytesPerVcpuS + task.partitions * partitionS) / units
    container.beganAt = this.#clockS
    container.doneAt = this.#clockS + Math.ceil(units / this.#vcpus) * unitS
    this.#workingCount++
    this.#working.push(container.doneAt, container)
  }

  #finish(container: Container): void {
    if (container.isOver) return
    const { task } = container
    this.#end(container)
    this.#sums.tasksDone++
    this.#sums.bytesDone += task.bytes
    this.#sums.bytesRead += task.bytes
    this.#events.push(this.#nowS + this.#world.noticeS, { kind: 'noticed' })
  }

  /** What was done keeps its receipts; the rest waits for another container. */
  #interrupt(container: Container): void {
    if (container.isOver) return
    const { task, beganAt, doneAt } = container
    const share = Number.isNaN(beganAt) ? 0 : Math.min(1, (this.#clockS - beganAt) / (doneAt - beganAt))
    const done = Math.min(task.partitions - 1, Math.floor(task.partitions * share))
    const bytes = (task.bytes * done) / task.partitions
    this.#end(container)
    this.#sums.interruptions++
    this.#sums.bytesDone += bytes
    this.#sums.bytesRead += task.bytes * share
    task.bytes -= bytes
    task.partitions -= done
    this.#runnable.push(task)
    this.#launch()
  }

  #end(container: Container): void {
    container.isOver = true
    if (!Number.isNaN(container.beganAt)) this.#workingCount--
    this.#containers--
    this.#paidS += this.#nowS - container.launchedS
    this.#launch()
  }
}

const MAX_TASK_S = 48 * 3600
