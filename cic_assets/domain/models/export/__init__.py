"""Trained models in a format that needs no framework: written layer by layer, run by onnxruntime. No training."""

from cic_assets.domain.models.export.backbone import ExportedBackbone, exported_backbone
from cic_assets.domain.models.export.exported import ExportedModel
from cic_assets.domain.models.export.files import load_exported, write_export
from cic_assets.domain.models.export.parity import check_parity, golden_pictures

__all__ = [
    "ExportedBackbone", "ExportedModel", "check_parity", "exported_backbone", "golden_pictures", "load_exported",
    "write_export",
]  # fmt: skip
