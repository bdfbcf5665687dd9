import "react";

declare module "react" {
  /** Custom properties, which our style sheet reads: `style={{ "--h": 0.5 }}`. */
  interface CSSProperties {
    [name: `--${string}`]: string | number;
  }
}
