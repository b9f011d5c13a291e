import { type ErrorCode, ServiceError } from '#chassis/errors.ts'

/** Every reason a call can be refused for; the closed list of `details.reason` on the wire. */
export const REFUSAL_CODES = {
  SHELL_SYNTAX: 'INVALID_ARGUMENT',
  PROGRAM_NOT_ALLOWED: 'FORBIDDEN',
  ARGUMENT_NOT_ALLOWED: 'FORBIDDEN',
  OUTSIDE_SANDBOX: 'FORBIDDEN',
  LINK_REFUSED: 'FORBIDDEN',
  SPECIAL_FILE: 'FORBIDDEN',
  PROTECTED_NAME: 'FORBIDDEN',
  ADDRESS_REFUSED: 'FORBIDDEN',
  SCHEME_REFUSED: 'FORBIDDEN',
  APPROVAL_REQUIRED: 'FORBIDDEN',
  APPROVAL_UNKNOWN: 'FORBIDDEN',
  APPROVAL_PENDING: 'FORBIDDEN',
  APPROVAL_USED: 'FORBIDDEN',
  APPROVAL_EXPIRED: 'FORBIDDEN',
  APPROVAL_MISMATCH: 'FORBIDDEN',
  SELF_APPROVAL: 'FORBIDDEN',
  POLICY_DENIED: 'FORBIDDEN',
  UNKNOWN_TOOL: 'NOT_FOUND',
} as const satisfies Record<string, ErrorCode>

export type RefusalReason = keyof typeof REFUSAL_CODES

/** The error of a refused call: its code follows from the reason. */
export function refusal(
  reason: RefusalReason,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): ServiceError {
  return new ServiceError(REFUSAL_CODES[reason], message, { details: { ...details, reason } })
}
