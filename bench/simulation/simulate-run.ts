import type { CloudWorld } from './cloud-world.ts'
import { KeyLimit } from './key-limit.ts'
import { randomOf } from './random.ts'
import { serialPhases } from './serial-phases.ts'
import type { SimulatedTask } from './simulated-work.ts'
import { TimeQueue } from './time-queue.ts'

export interface SimulatedRun {
  /** Seconds: all of it; and of that submitting, planning, tasks, committing. */
  readonly makespanS: number
  readonly submitS: number
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
  /** The most containers and vCPUs at once, and the most GETs and PUTs a second that S3 answered. */
  readonly maxContainers: number
  readonly maxVcpus: number
  readonly maxGetsPerS: number
  readonly maxPutsPerS: number
  /** Share of the tasks' time in which S3 held the run up; and of it by what it lets read, and lets write. */
  readonly throttledShare: number
  readonly getsThrottledShare: number
  readonly putsThrottledShare: number
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
  /** What one vCPU at work asks S3 for, per second: of all tasks alike. */
  readonly #getsPerVcpuS: number
  readonly #putsPerVcpuS: number
  readonly #gets: KeyLimit
  readonly #puts: KeyLimit
  #throttledS = 0
  #paidS = 0
  readonly #launchesS: number[] = []
  readonly #sums = { attempts: 0, interruptions: 0, tasksDone: 0, bytesDone: 0, bytesRead: 0, maxContainers: 0 }

  constructor(tasks: readonly SimulatedTask[], taskVcpus: number, world: CloudWorld, seed: number) {
    this.#vcpus = taskVcpus
    this.#world = world
    this.#random = randomOf(seed)
    this.#open = tasks.length
    const [bytes, partitions] = [tasks.reduce((sum, task) => sum + task.bytes, 0), tasks.reduce((sum, task) => sum + task.partitions, 0)]
    const vcpuS = bytes / world.bytesPerVcpuS + partitions * world.partitionS
    this.#getsPerVcpuS = (bytes / world.getBytes + partitions * world.smallGets) / vcpuS
    this.#putsPerVcpuS = (partitions * world.partitionPuts) / vcpuS
    const [soonest, latest] = world.s3SplitS
    const draw = (): number => (soonest === latest ? soonest : soonest + this.#random() * (latest - soonest))
    this.#gets = new KeyLimit(world.s3GetsPerS, world.archiveKeyParts, draw)
    this.#puts = new KeyLimit(world.s3PutsPerS, world.tableKeyParts, draw)
    this.#waitingToSubmit = tasks.map(({ bytes, partitions }) => ({ bytes, partitions })).reverse()
  }

  run(): SimulatedRun {
    const { vcpuHourDollars, getDollars, putDollars, attemptDollars, getBytes, bytesPerVcpuS, smallGets, partitionPuts } = this.#world
    const partitions = this.#waitingToSubmit.reduce((sum, task) => sum + task.partitions, 0)
    const { submitS, planS, commitS, pages } = serialPhases(partitions, this.#world)
    this.#submit()
    // Interruptions that were to come to containers that are over are not waited for.
    while (this.#open > 0) this.#step()
    const tasksS = this.#nowS
    const { attempts, interruptions, tasksDone, bytesDone, bytesRead, maxContainers } = this.#sums
    const vcpuS = this.#paidS * this.#vcpus
    const gets = bytesRead / getBytes + partitions * smallGets
    const requests = gets * getDollars + (partitions * partitionPuts + attempts + pages) * putDollars
    const shareOf = (seconds: number): number => (tasksS === 0 ? 0 : seconds / tasksS)
    return {
      makespanS: submitS + planS + tasksS + commitS,
      ...{ submitS, planS, tasksS, commitS },
      utilisation: vcpuS === 0 ? 0 : bytesDone / bytesPerVcpuS / vcpuS,
      vcpuHours: vcpuS / 3600,
      dollars: (vcpuS / 3600) * vcpuHourDollars + requests + attempts * attemptDollars,
      ...{ attempts, interruptions, tasksDone, bytesDone, bytesRead, maxContainers },
      ...{ maxGetsPerS: this.#gets.mostPerS, maxPutsPerS: this.#puts.mostPerS },
      maxVcpus: maxContainers * this.#vcpus,
      throttledShare: shareOf(this.#throttledS),
      getsThrottledShare: shareOf(this.#gets.heldS),
      putsThrottledShare: shareOf(this.#puts.heldS),
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
    if (speed < 1) this.#throttledS += passedS
    this.#gets.pass(passedS, this.#busyVcpus * this.#getsPerVcpuS, speed)
    this.#puts.pass(passedS, this.#busyVcpus * this.#putsPerVcpuS, speed)
    if (isEvent) this.#handle(this.#events.pop())
    else this.#finish(this.#working.pop())
  }

  /** How fast containers work, 1: as fast as they can; S3 holds up all of them alike. */
  #speed(): number {
    const busy = this.#busyVcpus
    return Math.min(1, this.#gets.room(busy * this.#getsPerVcpuS), this.#puts.room(busy * this.#putsPerVcpuS))
  }

  /** vCPUs that have work. */
  get #busyVcpus(): number {
    return this.#workingCount * this.#threads
  }

  /** Threads of a task that have work: without a place to begin at in the middle there is one pass. */
  get #threads(): number {
    return this.#world.hasRestartPoints ? this.#vcpus : 1
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
    const units = this.#world.hasRestartPoints ? Math.min(task.partitions, UNITS_PER_THREAD * this.#vcpus) : 1
    const unitS = (task.bytes / bytesPerVcpuS + task.partitions * partitionS) / units
    container.beganAt = this.#clockS
    container.doneAt = this.#clockS + Math.ceil(units / this.#threads) * unitS
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
