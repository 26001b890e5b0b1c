"""What is counted of rows that are gone."""

from django.db import models


class Tally(models.Model):
    """How many logins or checks of one kind were deleted, and how long they took: counters only ever grow
    (`flows.services.history`). Names no tenant."""

    class Counted(models.TextChoices):
        FLOWS = "flows"
        CHECKS = "checks"

    counted = models.CharField(max_length=6, choices=Counted.choices)
    labels = models.CharField(max_length=200)  # JSON, a list
    number = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0.0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["counted", "labels"], name="one_tally_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.number} {self.counted} {self.labels}"
