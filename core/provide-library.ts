import { provideLibrary } from './host-library.ts'

/* Imported for its effect by programs: jobs can import the library, which is loaded with the first of them. */
provideLibrary(import.meta.url, () => import('./library.ts'))
