import { spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { makeOnce } from '../../localstack/make-once.ts'
import { orSkip } from './or-skip.ts'

const FETCH_MS = 600_000
const OLDEST_JAVA = 17
/** Of Maven, which says where jars come from: Maven Central, or what the user's settings name. */
const COPIER = { groupId: 'org.apache.maven.plugins', artifactId: 'maven-dependency-plugin', version: '3.8.1' }

/** A jar of a lock. */
interface LockedJar {
  readonly sha256: string
  readonly groupId: string
  readonly artifactId: string
  readonly version: string
}

/** Runs a Java program, given as one source file, and gives what it prints. @throws Error what it said, where it fails */
export type JavaProgram = (source: string, args: readonly string[]) => string

/**
 * A Java that has the jars of a lock, which are fetched once and kept until the lock changes. Null, after one line that says why,
 * where there is no Java, or no Maven or way to fetch; under CI that is an error.
 * @param what the jars are called in that line @param lock file of lines `sha256 groupId:artifactId:version`
 */
export function lockedJava(what: string, lock: string): JavaProgram | null {
  return orSkip(what, () => {
    requireJava()
    const jars = path.join(fetchJars(lock), '*')
    return (source, args) => runJava(['-cp', jars, source, ...args])
  })
}

/** Paths of the jars of a lock, for a program that starts a Java of its own. Null as `lockedJava` is. @param what @param lock as there */
export function lockedJars(what: string, lock: string): string[] | null {
  return orSkip(what, () => {
    requireJava()
    return fs.globSync('*.jar', { cwd: fetchJars(lock) }).map((name) => path.join(fetchJars(lock), name))
  })
}

/** A JDK: a source file is compiled when it is run. */
function requireJava(): void {
  const asked = spawnSync('java', ['-XX:TieredStopAtLevel=1', '--describe-module', 'jdk.compiler'], { encoding: 'utf8' })
  const version = /^jdk\.compiler@(\d+)/.exec(asked.stdout ?? '')?.[1]
  if (Number(version) >= OLDEST_JAVA) return
  throw new Error(`expected java of a JDK ${OLDEST_JAVA} or newer in PATH, found ${version === undefined ? 'none' : `JDK ${version}`}`)
}

/** Folder of the jars, each as the lock has it. */
function fetchJars(lock: string): string {
  const text = fs.readFileSync(lock, 'utf8')
  return makeOnce(`maven-${hash('sha256', text, 'hex').slice(0, 16)}`, (folder) => {
    const jars = parseLock(text)
    const pom = path.join(folder, 'pom.xml')
    fs.mkdirSync(folder)
    fs.writeFileSync(pom, pomOf(jars))
    runMaven(['-f', pom, 'dependency:copy', `-DoutputDirectory=${folder}`])
    for (const jar of jars) checkJar(folder, jar)
  })
}

function parseLock(text: string): LockedJar[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => {
    const [, sha256, groupId, artifactId, version] = /^([0-9a-f]{64}) ([\w.-]+):([\w.-]+):([\w.-]+)$/.exec(line) ?? []
    if (version === undefined) throw new Error(`expected "sha256 groupId:artifactId:version", found "${line}"`)
    return { sha256: sha256!, groupId: groupId!, artifactId: artifactId!, version }
  })
}

/** A project that copies the jars alone; as its dependencies they would bring those that their POMs ask for. */
function pomOf(jars: readonly LockedJar[]): string {
  const place = ({ groupId, artifactId, version }: Omit<LockedJar, 'sha256'>): string =>
    `<groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version>`
  const items = jars.map((jar) => `<artifactItem>${place(jar)}</artifactItem>`).join('')
  const project = place({ groupId: 'locked', artifactId: 'jars', version: '1' })
  const plugin = `<plugin>${place(COPIER)}<configuration><artifactItems>${items}</artifactItems></configuration></plugin>`
  return `<project><modelVersion>4.0.0</modelVersion>${project}<packaging>pom</packaging><build><plugins>${plugin}</plugins></build></project>\n`
}

function checkJar(folder: string, { sha256, artifactId, version }: LockedJar): void {
  const name = `${artifactId}-${version}.jar`
  const found = hash('sha256', fs.readFileSync(path.join(folder, name)), 'hex')
  if (found === sha256) return
  throw new Error(`expected ${name} of SHA-256 ${sha256}, found ${found}; is the one in Maven's local repository damaged?`)
}

function runMaven(args: readonly string[]): void {
  const ended = spawnSync('mvn', ['--quiet', '--batch-mode', ...args], { encoding: 'utf8', timeout: FETCH_MS })
  if (ended.status === 0) return
  const said = /\[ERROR\] (.*)/.exec(ended.stdout ?? '')?.[1]
  throw new Error(`mvn failed: ${said ?? ended.error ?? ended.stderr.trim()}`)
}

/** What it says on stderr (SLF4J, that it has no log to write to) is seen only where it fails. */
function runJava(args: readonly string[]): string {
  // It runs for seconds, which the optimising compiler and threads of a collector would only make longer.
  const ended = spawnSync('java', ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 })
  if (ended.status === 0) return ended.stdout
  throw new Error(`java failed: ${ended.stderr?.trim() || ended.error}`)
}
