/** chronicle-replay: the library. */
import './required-node.ts'

import './provide-library.ts'

export * from './library.ts'
