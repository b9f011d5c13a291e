import { ServiceError } from '#chassis/errors.ts'

/** Why an approval does not hold; part of the closed list of `details.reason`. */
export type ApprovalRefusal =
  | 'APPROVAL_UNKNOWN'
  | 'APPROVAL_PENDING'
  | 'APPROVAL_USED'
  | 'APPROVAL_EXPIRED'
  | 'APPROVAL_MISMATCH'
  | 'SELF_APPROVAL'
  | 'POLICY_DENIED'

const MESSAGES: Readonly<Record<ApprovalRefusal, string>> = {
  APPROVAL_UNKNOWN: 'There is no such approval',
  APPROVAL_PENDING: 'Nobody has decided about this call yet',
  APPROVAL_USED: 'This approval was used',
  APPROVAL_EXPIRED: 'This approval is over; ask again',
  APPROVAL_MISMATCH: 'The approval is for another call',
  SELF_APPROVAL: 'Whoever asks may not approve',
  POLICY_DENIED: 'This call is not allowed',
}

export function refused(reason: ApprovalRefusal, message = MESSAGES[reason]): ServiceError {
  return new ServiceError('FORBIDDEN', message, { details: { reason } })
}
