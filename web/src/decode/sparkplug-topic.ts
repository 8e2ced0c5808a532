/** Which topics are Sparkplug B; apart from its decoder, which is loaded when it is needed. */

/** Whether messages of this topic are Sparkplug B; STATE messages are JSON. */
export function isSparkplugTopic(topic: string): boolean {
  return /^spBv1\.0\/[^/]+\/[ND](?:BIRTH|DEATH|DATA|CMD)\//.test(topic)
}
