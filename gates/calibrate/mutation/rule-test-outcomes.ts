/** What `promtool test rules` said of each file: "success", "refused" for what is no rule at all, or the first failed check. */
export function outcomesOfTests(output: string): ReadonlyMap<string, string> {
  const [, ...parts] = output.split(/^Processing test file: +/m)
  return new Map(
    parts.map((part) => {
      const [file = '', ...said] = part.split('\n')
      return [file.trim(), outcomeOf(said.join('\n'))]
    }),
  )
}

function outcomeOf(said: string): string {
  if (/^ *SUCCESS/m.test(said)) return 'success'
  if (/parse error|could not parse|invalid/i.test(said)) return 'refused'
  return /expr: ([^\n]+),/.exec(said)?.[1] ?? said.trim().slice(0, 200)
}
