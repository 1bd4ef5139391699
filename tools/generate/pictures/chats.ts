import { Canvas } from './canvas.ts';

/** What of a message in Slack's form is shown. */
export interface SlackPayload {
  username: string;
  attachments: {
    color: string;
    author_name: string;
    text: string;
    fields: { title: string; value: string }[];
  }[];
}

/** What of a card of Teams is shown. */
export interface TeamsPayload {
  attachments: {
    content: {
      body: {
        items: {
          type: string;
          text?: string;
          size?: string;
          color?: string;
          facts?: { title: string; value: string }[];
        }[];
      }[];
    };
  }[];
}

interface Look {
  background: string;
  panel: string;
  ink: string;
  soft: string;
}

const slackLook: Look = {
  background: '#ffffff',
  panel: '#ffffff',
  ink: '#1d1c1d',
  soft: '#616061',
};
const discordLook: Look = {
  background: '#313338',
  panel: '#2b2d31',
  ink: '#dbdee1',
  soft: '#f2f3f5',
};
const barColors: Record<string, string> = { good: '#2eb67d', danger: '#e01e5a' };

/** A message in Slack's form, as Slack shows it. */
export function slackPicture(payload: SlackPayload, mark: string): string {
  return attachmentPicture(payload, { look: slackLook, title: 'A message in Slack', mark });
}

/** The same as Discord shows it: an embed. */
export function discordPicture(payload: SlackPayload, mark: string): string {
  return attachmentPicture(payload, { look: discordLook, title: 'A message in Discord', mark });
}

function attachmentPicture(
  { username, attachments }: SlackPayload,
  { look, title, mark }: { look: Look; title: string; mark: string },
): string {
  const canvas = new Canvas(10);
  canvas.text(username, 20, { color: look.soft, bold: true, size: 16 });
  for (const { color, author_name, text, fields } of attachments) {
    canvas.skip(8);
    const top = canvas.bottom;
    canvas.skip(6);
    canvas.text(author_name, 40, { color: look.ink, bold: true, size: 14 });
    canvas.text(text, 40, { color: look.ink });
    for (const field of fields) {
      canvas.skip(4);
      canvas.text(field.title, 40, { color: look.soft, bold: true, size: 13 });
      canvas.text(field.value, 40, { color: look.ink, size: 14 });
    }
    canvas.skip(8);
    const height = canvas.bottom - top;
    canvas.box({ x: 20, y: top, width: 5, height, fill: barColors[color] ?? color, round: 2 });
    canvas.box({ x: 20, y: top, width: 600, height, fill: look.panel, round: 4 });
  }
  return canvas.svg({ background: look.background, title, mark });
}

/** An Adaptive Card, as Teams shows it. */
export function teamsPicture({ attachments }: TeamsPayload, mark: string): string {
  const canvas = new Canvas(16);
  const top = canvas.bottom;
  canvas.skip(8);
  for (const item of attachments.flatMap(({ content }) => content.body.flatMap((c) => c.items))) {
    if (item.type === 'TextBlock') {
      const isLarge = item.size === 'large';
      const color = item.color === 'attention' ? '#c4314b' : '#242424';
      canvas.text(item.text ?? '', 40, { color, bold: isLarge, size: isLarge ? 20 : 15 });
    }
    for (const { title, value } of item.facts ?? []) {
      canvas.skip(4);
      canvas.text(title, 40, { color: '#242424', bold: true, size: 13 });
      canvas.text(value, 40, { color: '#242424', size: 14 });
    }
  }
  canvas.skip(10);
  const height = canvas.bottom - top;
  canvas.box({ x: 20, y: top, width: 600, height, fill: '#ffffff', round: 6 });
  return canvas.svg({ background: '#f0f0f0', title: 'A card in Microsoft Teams', mark });
}
