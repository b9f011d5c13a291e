import type { DrillStage } from './alert-drill.ts'
import { arrival, judgedState } from './arrival.ts'
import { PAGE_AND_TICKET } from './planted-alerts.ts'

/**
 * A page, and a ticket of the same service that begins while the page fires: Alertmanager must hold the ticket back.
 * Returns the ticket where it was not held back, or where page or ticket did not come, so that nothing was shown.
 */
export async function drillInhibition(stage: DrillStage): Promise<readonly string[]> {
  const { page, ticket } = PAGE_AND_TICKET
  const name = `${ticket.alert} ${ticket.service}`
  stage.options.say(
    `planting ${page.alert}, then ${ticket.alert} of the same service, which must be held back`,
  )
  try {
    stage.planted.setBad(page.series)
    const pagedAtMs = await arrival(stage, page, 'firing', stage.now())
    if (pagedAtMs === undefined) return [`${name}: its page did not come`]
    stage.planted.setBad([...page.series, ...ticket.series])
    const state = await judgedState(stage, ticket)
    if (state === undefined) return [`${name}: it did not come`]
    return state === 'suppressed' ? [] : [name]
  } finally {
    stage.planted.setBad([])
    await arrival(stage, page, 'resolved', stage.now())
  }
}
