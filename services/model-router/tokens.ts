/**
 * Tokens of a text where no provider counted them: four characters each, the rule of thumb of the model vendors.
 * Metrics keep such estimates apart from counted ones.
 */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / 4)
}
