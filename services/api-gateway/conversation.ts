export interface ChatTurn {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

const CONVERSATIONS_MAX = 1000
const TURNS_MAX = 12
const CHARACTERS_MAX = 16_000

/**
 * The last turns of recent conversations, for the model's sake only: bounded, and lost at a restart
 * (memory-engine keeps what was said for good).
 */
export function createConversations() {
  const byId = new Map<string, readonly ChatTurn[]>()
  return {
    turnsOf: (id: string | undefined): readonly ChatTurn[] => (id === undefined ? [] : (byId.get(id) ?? [])),
    add(id: string | undefined, turns: readonly ChatTurn[]): void {
      if (id === undefined) return
      const all = withinBounds([...(byId.get(id) ?? []), ...turns])
      // Re-inserting moves the conversation to the end: the first key is the longest unused one.
      byId.delete(id)
      byId.set(id, all)
      const oldest = byId.size > CONVERSATIONS_MAX ? byId.keys().next().value : undefined
      if (oldest !== undefined) byId.delete(oldest)
    },
    forget: (id: string): boolean => byId.delete(id),
  }
}

export type Conversations = ReturnType<typeof createConversations>

/** The newest turns, at most `TURNS_MAX` of them and `CHARACTERS_MAX` characters. */
function withinBounds(turns: readonly ChatTurn[]): readonly ChatTurn[] {
  const kept: ChatTurn[] = []
  let characters = 0
  for (const turn of turns.slice(-TURNS_MAX).reverse()) {
    characters += turn.content.length
    if (characters > CHARACTERS_MAX) break
    kept.unshift(turn)
  }
  return kept
}
