import { ReplayError } from './errors.ts'

/** What `import 'chronicle-replay'` gives a module of the user's: all of the library, which lies above those who load modules. */
interface HostLibrary {
  /** Module that provides it, for threads: they import it, too. */
  readonly url: string
  load(): Promise<unknown>
}

let provided: HostLibrary | null = null

/** Says where the library is; to be called before a module is loaded, by whoever starts it all. */
export function provideLibrary(url: string, load: () => Promise<unknown>): void {
  provided = { url, load }
}

/** @throws ReplayError bug `host-library` when nobody provided it */
export function hostLibrary(): HostLibrary {
  if (provided !== null) return provided
  throw new ReplayError('host-library', 'a module is loaded, but nothing provided the library: import provide-library.ts', {
    category: 'bug',
  })
}
