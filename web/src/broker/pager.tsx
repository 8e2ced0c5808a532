/** Steps from page to page of a list that the broker pages. */
import { countText } from '../ui/format.ts'
import { useBrokerText } from './text.ts'

interface PagerProps {
  page: number
  pageSize: number
  total: number
  onPage: (page: number) => void
}

/** Where in the pages one is, and the way to the next. */
export function Pager({ page, pageSize, total, onPage }: PagerProps) {
  const b = useBrokerText()
  const pages = Math.max(1, Math.ceil(total / pageSize))
  return (
    <div className="pager">
      <span className="is-quiet">{b.total(countText(total))}</span>
      {pages > 1 && (
        <>
          <button
            type="button"
            className="button is-small"
            disabled={page <= 1}
            onClick={() => onPage(page - 1)}
          >
            {b.previous}
          </button>
          <span>{b.page(page, pages)}</span>
          <button
            type="button"
            className="button is-small"
            disabled={page >= pages}
            onClick={() => onPage(page + 1)}
          >
            {b.next}
          </button>
        </>
      )}
    </div>
  )
}
