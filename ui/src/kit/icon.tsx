/** The page's own drawings; mainspring.css has them as masks, so that they take the colour of the text. */
export type IconName = "home" | "runs" | "clock" | "back" | "hand" | "gear" | "search" | "play" | "pen" | "dots" | "down" | "link" | "chev" | "x" | "globe" | "book" | "moon" | "key" | "pause";

export const Icon = ({ name }: { name: IconName }) => <i className={`i i-${name}`} aria-hidden="true" />;

export const Mark = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <path
      d="M13.6 12.0L13.7 12.6L13.5 13.3L13.0 14.0L12.3 14.4L11.4 14.6L10.4 14.4L9.5 13.8L8.8 12.8L8.5 11.7L8.7 10.4L9.3 9.2L10.4 8.2L11.9 7.7L13.5 7.7L15.0 8.3L16.3 9.5L17.1 11.2L17.3 13.0L16.7 14.9L15.5 16.6L13.7 17.7L11.6 18.2L9.4 17.8L7.3 16.7L5.8 14.8L5.0 12.5L5.1 9.9L6.1 7.5L8.0 5.5L10.5 4.3L13.3 4.0L16.1 4.8L18.6 6.6L20.2 9.2L20.9 12.3L20.4 15.5L18.8 18.4L16.2 20.6L13.0 21.7L9.4 21.6L6.1 20.3L3.4 17.8L1.7 14.4L1.3 10.6L2.3 6.8L4.6 3.6L8.0 1.3L12.0 0.4"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.7"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  </svg>
);
