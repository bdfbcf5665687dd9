/**
 * A word with the particle that fits its last syllable: 이/가, 을/를, 은/는. A word that does not end in Hangul takes the
 * written form with both.
 */
export function josa(word: string, afterConsonant: string, afterVowel: string): string {
  const syllable = word.charCodeAt(word.length - 1) - 0xac00;
  if (syllable < 0 || syllable > 11_171 || Number.isNaN(syllable)) return `${word}${afterConsonant}(${afterVowel})`;
  return word + (syllable % 28 ? afterConsonant : afterVowel);
}
