import type { OpenApproval } from './eva-client.ts'

/** What waits, exactly as it would run, with the time that is left to decide. */
export function approvalsText(approvals: readonly OpenApproval[], nowMs: number): string {
  if (approvals.length === 0) return 'Nothing waits for approval.\n'
  return `${approvals.map((approval) => approvalText(approval, nowMs)).join('\n\n')}\n`
}

export function approvalText(approval: OpenApproval, nowMs: number): string {
  const { token_id, status, summary, expires_at } = approval
  return [
    `${token_id}  ${status}  ${timeLeft(Date.parse(expires_at) - nowMs)}`,
    ...summary.split('\n').map((line) => `  ${line}`),
  ].join('\n')
}

/** What has to happen for an approved call to run. */
export function nextStepText({ token_id, expires_at }: OpenApproval, nowMs: number): string {
  return `\nWhoever asked repeats the same call with "approval_token": "${token_id}"; it runs once, ${timeLeft(Date.parse(expires_at) - nowMs)}.\n`
}

function timeLeft(leftMs: number): string {
  const seconds = Math.ceil(leftMs / 1000)
  return seconds > 0 ? `${seconds} s left` : 'over'
}
