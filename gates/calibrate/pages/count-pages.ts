import type { Family } from '../histories/families.ts'
import { shareOfCount, type Share } from '../calibrate-families.ts'
import { healthyStack, STACK_SERVICES } from './healthy-stack.ts'
import { type FalsePage, type PagingSettings, pagesOver } from './pages-over-stacks.ts'

export interface PageCounts {
  readonly family: string
  readonly kind: Family['kind']
  readonly stacks: number
  readonly histories: number
  /** Stacks of two days in which anything paged. */
  readonly paged: Share
  readonly pages: readonly FalsePage[]
}

export interface CountingSettings extends PagingSettings {
  /** Of memory. */
  readonly families: readonly Family[]
  /** Of each family; rounded up to whole stacks of six services. */
  readonly histories: number
  readonly seed: number
  readonly workers: number
  /** Called with each family as it ends. */
  readonly onFamily: (counts: PageCounts) => void
}

/** How often the rules that page fire over histories of a family; an interrupted one leaves out the rest. */
export async function countPages(settings: CountingSettings): Promise<readonly PageCounts[]> {
  const counts: PageCounts[] = []
  for (const family of settings.families) {
    const one = await pagesOfFamily(family, settings)
    if (one === null) break
    counts.push(one)
    settings.onFamily(one)
  }
  return counts
}

async function pagesOfFamily(family: Family, settings: CountingSettings): Promise<PageCounts | null> {
  const stacks = Math.ceil(settings.histories / STACK_SERVICES)
  const waiting = Array.from({ length: stacks }, (_, stack) => stack).values()
  const pages: FalsePage[] = []
  const work = async () => {
    for (const stack of waiting)
      pages.push(...(await pagesOver(healthyStack(family, settings.seed, stack), settings)))
  }
  try {
    await Promise.all(Array.from({ length: settings.workers }, work))
  } catch (error) {
    if (settings.signal?.aborted === true) return null
    throw error
  }
  const paged = new Set(pages.map(({ stack }) => stack)).size
  return {
    family: family.id,
    kind: family.kind,
    stacks,
    histories: stacks * STACK_SERVICES,
    paged: shareOfCount(paged, stacks),
    pages,
  }
}
