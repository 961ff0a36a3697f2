"""The shapes a lesson may take, and the templates that evaluation prompts share with the rendered text."""

#: One exchange: what the human says and what the model answers.
Turn = tuple[str, str]

#: A lesson in a chat source is one or more turns.
Turns = tuple[Turn, ...]


def instruction_prompt(human: str) -> str:
    """The prompt of an instruction, ready for an answer that starts with a space."""
    return f"### Instruction: {human}\n### Response:"


def dialogue_prompt(earlier: Turns, human: str) -> str:
    """The prompt of a dialogue after its earlier turns, ready for an answer that starts with a space."""
    told = "".join(f"user: {asked}\nassistant: {answered}\n" for asked, answered in earlier)
    return f"{told}user: {human}\nassistant:"
