import {
  approveOneself,
  floodWithRequests,
  redeemChanged,
  redeemConcurrently,
  redeemMutated,
  redeemTwice,
  redeemUnapproved,
} from './approvals.ts'
import { storeInstruction, tightenPolicy, useTooLate } from './policies.ts'
import type { Procedure } from './procedure.ts'
import { readGrowing } from './growing-file.ts'
import { sendSlowly } from './slow-senders.ts'
import { replayAction, useRevokedKey } from './replays.ts'
import { lookForSecrets } from './secrets-in-sight.ts'
import { swapWhileCalling } from './races.ts'

/** The procedures that corpus files may name. */
export const PROCEDURES: ReadonlyMap<string, Procedure> = new Map(
  Object.entries({
    redeem_changed: redeemChanged,
    redeem_unapproved: redeemUnapproved,
    redeem_twice: redeemTwice,
    redeem_concurrently: redeemConcurrently,
    redeem_mutated: redeemMutated,
    approve_oneself: approveOneself,
    flood_with_requests: floodWithRequests,
    tighten_policy: tightenPolicy,
    use_too_late: useTooLate,
    store_instruction: storeInstruction,
    swap_while_calling: swapWhileCalling,
    read_growing: readGrowing,
    send_slowly: sendSlowly,
    use_revoked_key: useRevokedKey,
    replay_action: replayAction,
    look_for_secrets: lookForSecrets,
  }),
)
