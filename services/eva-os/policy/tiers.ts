/** From harmless to destructive; a later one is never treated as an earlier one. */
export const TIERS = ['TIER_0_READONLY', 'TIER_1_COMPUTE', 'TIER_2_CREATE', 'TIER_3_DESTRUCTIVE'] as const
export type Tier = (typeof TIERS)[number]

export const TOOLS = ['shell.run', 'file.read', 'file.write', 'browser.open'] as const
export type Tool = (typeof TOOLS)[number]

/** The least tier of each tool. What openclaw says can raise a tier, never lower it below this. */
const FLOORS: Readonly<Record<Tool, Tier>> = {
  'shell.run': 'TIER_1_COMPUTE',
  'file.read': 'TIER_0_READONLY',
  'file.write': 'TIER_2_CREATE',
  'browser.open': 'TIER_1_COMPUTE',
}

export function isTool(name: string): name is Tool {
  return (TOOLS as readonly string[]).includes(name)
}

export function isTier(name: unknown): name is Tier {
  return (TIERS as readonly unknown[]).includes(name)
}

/** A command that matches no grammar is destructive, whatever it calls itself. */
export function effectiveTier(
  tool: Tool,
  claimed: { readonly tier: Tier; readonly grammarMatch: boolean },
): Tier {
  if (tool === 'shell.run' && !claimed.grammarMatch) return 'TIER_3_DESTRUCTIVE'
  return higherOf(claimed.tier, FLOORS[tool])
}

/** Tiers that a call of this tool can have at all. */
export function possibleTiers(tool: Tool): readonly Tier[] {
  return TIERS.slice(TIERS.indexOf(FLOORS[tool]))
}

function higherOf(one: Tier, other: Tier): Tier {
  return TIERS.indexOf(one) > TIERS.indexOf(other) ? one : other
}
