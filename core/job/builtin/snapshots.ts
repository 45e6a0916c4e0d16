import { defineJob } from '../define-job.ts'

/** Writes restart points of the books beside their logs, so that later runs can begin anywhere: `--param every=10m`. No rows. */
export const snapshots = defineJob({
  name: 'snapshots',
  streams: ['book'],
  params: { every: '1h' },
  columns: {},
  restartPoints: ({ every }) => every,
})
