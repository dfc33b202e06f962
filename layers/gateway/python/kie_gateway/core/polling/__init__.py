"""Rules about asking Kie.ai: when, and what an answer means for a task."""
