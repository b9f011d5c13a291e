import { join } from 'node:path'
import type { Context, Parts } from '../context.ts'
import { keyFiles } from './key-files.ts'
import { type KeyRing, openKeyRing } from './key-ring.ts'

/** A token may reach its verifier this much after it was signed, and clocks are read in whole seconds. */
const RETIRE_SLACK_MS = 10_000

export function openKeys(ctx: Context, { state }: Pick<Parts, 'state'>): Promise<KeyRing> {
  const { key_lead_seconds, key_rotation_hours, token_seconds } = ctx.config
  const files = keyFiles(join(ctx.paths.data, 'keys'), (file, why) => {
    ctx.log.error({ operation: 'keys', file }, `a key file ${why} and is not used`)
  })
  return openKeyRing({
    files,
    nowMs: () => ctx.clock.nowMs(),
    times: {
      rotateAfterMs: key_rotation_hours * 3_600_000,
      leadMs: key_lead_seconds * 1000,
      retireAfterMs: token_seconds * 1000 + RETIRE_SLACK_MS,
    },
    onChange: (what, kids) => {
      ctx.log.info({ operation: 'keys', what, kids }, 'signing keys changed')
      state.record('keys_changed', { what, kids: [...kids] }, ctx.clock.nowMs())
    },
  })
}
