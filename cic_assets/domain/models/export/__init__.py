"""Trained models in a format that needs no framework: written layer by layer, run by onnxruntime. No training."""

from cic_assets.domain.models.export.backbone import (
    EXPORTER_VERSION,
    ExportedBackbone,
    exported_backbone,
    kept_backbone,
)
from cic_assets.domain.models.export.exported import ExportedModel
from cic_assets.domain.models.export.files import load_exported, write_export
from cic_assets.domain.models.export.parity import check_parity, golden_pictures

__all__ = [
    "EXPORTER_VERSION", "ExportedBackbone", "ExportedModel", "check_parity", "exported_backbone", "golden_pictures",
    "kept_backbone", "load_exported", "write_export",
]  # fmt: skip
