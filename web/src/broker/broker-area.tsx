export function BrokerArea() {
  return null
}
