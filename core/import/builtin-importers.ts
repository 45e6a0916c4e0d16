import { binance } from './formats/binance.ts'
import { columns } from './formats/columns.ts'
import { cryptofeed } from './formats/cryptofeed.ts'
import { databento } from './formats/databento.ts'
import { hftbacktest } from './formats/hftbacktest.ts'
import { itch } from './formats/itch.ts'
import { lobster } from './formats/lobster.ts'
import { tardis } from './formats/tardis.ts'
import type { Importer } from './importer.ts'

/** All formats, in the order in which they are asked whether a file is theirs: those first that know their files by their bytes. */
export const IMPORTERS: readonly Importer[] = [databento, tardis, hftbacktest, cryptofeed, lobster, binance, itch, columns]
